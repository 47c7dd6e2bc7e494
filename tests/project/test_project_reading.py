"""Reading: versions, plain results, maps that moved or are others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.maps import MapsMovedError
from napari_mineral_anomaly.project.reading import is_project, read_project

FIRST_VERSION = Path(__file__).parent / "data" / "project_version_1"


def _change(folder: Path, **values: object) -> None:
    path = folder / "project.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_first_version_opens():
    project = load_project(FIRST_VERSION)
    assert project.cube is not None
    assert project.file.name == "first"
    one = project.main
    assert one.note.threshold == 2.5
    assert int(np.count_nonzero(one.judged.edits == 1)) == 12
    assert int(np.count_nonzero(one.judged.edits == -1)) == 4
    assert project.verdicts is not None
    assert [v.comment for v in project.verdicts.present.verdicts] == ["gold?", "spike"]
    assert int(np.count_nonzero(project.truths[0][2] == 1)) == 9
    assert {look.key: look.visible for look in project.file.layers}["element Fe"] is False


def test_a_newer_version_is_refused_with_a_sentence(home):
    _change(home / "result", schema_version=2)
    with pytest.raises(InputError, match="written by a newer version of this program"):
        read_project(home / "result")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "recipe"}, "is not the file of a project"),
        ({"shape": "large"}, "is damaged: shape"),
        ({"verdicts": "../elsewhere.json"}, "is damaged: verdicts"),
        ({"valid": "/etc/passwd"}, "is damaged: valid"),
    ],
)
def test_damaged_files_get_a_sentence(home, values, words):
    _change(home / "result", **values)
    with pytest.raises(InputError, match=words):
        read_project(home / "result")


def test_half_a_file_gets_a_sentence(home):
    path = home / "result" / "project.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="is not JSON"):
        read_project(home / "result")


def test_results_without_project_file_open_once_the_maps_are_given(home):
    result = home / "result"
    (result / "project.json").unlink()
    assert is_project(result)
    project = load_project(result)
    assert project.cube is None
    assert "does not say where its maps are" in project.why_no_maps
    assert project.main.note.threshold == 3.0
    found = load_project(result, maps=home / "scan")
    assert found.cube is not None


def test_a_folder_of_maps_is_no_project(home):
    assert not is_project(home / "scan")
    with pytest.raises(InputError, match="is no project"):
        read_project(home / "scan")


def test_project_and_maps_that_move_together_find_each_other(home, tmp_path):
    moved = tmp_path / "moved"
    home.rename(moved)
    project = load_project(moved / "result")
    assert project.cube is not None
    assert str(project.cube.source).startswith(str(moved))


def test_maps_that_moved_alone_are_asked_for_and_compared(home, tmp_path, session_scan):
    elsewhere = tmp_path / "elsewhere"
    shutil.move(home / "scan", elsewhere)
    _forget_absolute(home / "result")
    project = load_project(home / "result")
    assert project.cube is None
    assert "are not at" in project.why_no_maps
    with pytest.raises(MapsMovedError):
        project.require_cube()
    assert load_project(home / "result", maps=elsewhere).cube is not None
    # One count of one map differs.
    iron = tifffile.imread(elsewhere / "Fe.tif")
    iron[0, 0] += 1
    tifffile.imwrite(elsewhere / "Fe.tif", iron)
    with pytest.raises(InputError, match=r"Fe\.tif is not the file .* its content differs"):
        load_project(home / "result", maps=elsewhere)


def test_maps_that_changed_in_their_place_are_noticed(home):
    _forget_absolute(home / "result")
    iron = tifffile.imread(home / "scan" / "Fe.tif")
    tifffile.imwrite(home / "scan" / "Fe.tif", iron * 2)
    with pytest.raises(InputError, match="its content differs"):
        load_project(home / "result")


def test_a_folder_without_the_maps_is_not_taken_for_theirs(home, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MapsMovedError, match="does not hold"):
        load_project(home / "result", maps=tmp_path / "empty")


def _forget_absolute(folder: Path) -> None:
    """As on another computer: only the relative path leads to the maps."""
    path = folder / "project.json"
    content = json.loads(path.read_text())
    for source in content["maps"]["sources"]:
        source["absolute"] = "/nowhere/scan"
    path.write_text(json.dumps(content))
