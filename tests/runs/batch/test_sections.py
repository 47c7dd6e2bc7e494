"""Which sections a batch has, and their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.runs.batch.sections import find_sections, section_names


def scan(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("Fe", "Ca"):
        tifffile.imwrite(folder / f"{name}.tif", np.ones((4, 5), np.uint16))
    return folder


def test_a_parent_folder_gives_its_scans_and_a_scan_gives_itself(tmp_path):
    a, b = scan(tmp_path / "parent" / "b"), scan(tmp_path / "parent" / "A")
    (tmp_path / "parent" / "notes").mkdir()
    (tmp_path / "parent" / "notes" / "list.txt").write_text("nothing")
    stack = tmp_path / "parent" / "c.npz"
    np.savez(stack, Fe=np.ones((4, 5)), Ca=np.ones((4, 5)))
    alone = scan(tmp_path / "alone")
    out = scan(tmp_path / "parent" / "out")
    told: list[str] = []
    task = Task(lambda event: told.append(event.message))
    found = find_sections([alone, tmp_path / "parent", a], out, task=task)
    assert found == [alone, b, a, stack]
    assert len(told) == 1
    assert told[0].endswith("by their names: notes.")


def test_what_does_not_exist_is_told_before_anything_starts(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_sections([tmp_path / "nowhere"], tmp_path / "out")


def test_names_that_collide_are_told_apart():
    paths = [Path(p) for p in ("/x/day1/s1", "/x/day2/s1", "/x/day2/S2", "/y/day1/s1", "/y/s3")]
    names = section_names(paths, {})
    assert names == {
        "/x/day1/s1": "x_day1_s1",
        "/x/day2/s1": "day2_s1",
        "/x/day2/S2": "S2",
        "/y/day1/s1": "y_day1_s1",
        "/y/s3": "s3",
    }


def test_no_section_takes_the_name_of_a_file_of_the_batch_or_of_another():
    names = section_names([Path("/x/index.html/"), Path("/x/a.tif"), Path("/x/a.npz")], {})
    assert len(set(names.values())) == 3
    assert "sections.csv" not in names.values()


def test_known_sections_keep_their_names():
    known = section_names([Path("/x/day1/s1")], {})
    assert known == {"/x/day1/s1": "s1"}
    names = section_names([Path("/x/day1/s1"), Path("/x/day2/s1")], known)
    assert names == {"/x/day1/s1": "s1", "/x/day2/s1": "s1 (2)"}
