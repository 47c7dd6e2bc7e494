"""A project reads back as it was saved; a kill leaves the state before or the one after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.project.copying import copy_project
from napari_mineral_anomaly.project.format import Clusters, Look
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.log import LogEntry, read_log
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.state import ImageToSave, ResultState
from napari_mineral_anomaly.project.saving.store import ProjectStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    return place


def _verdicts(shape: tuple[int, int]) -> History[VerdictBook]:
    labels = np.zeros(shape, np.uint16)
    labels[1:3, 1:4], labels[10:12, 10], labels[30, 30:40] = 1, 2, 3
    empty = History(VerdictBook(shape))
    one = empty.push(empty.present.decide(labels, [1], status="accept", comment="gold?"), "accept")
    two = one.push(one.present.decide(labels, [2, 3], status="reject"), "reject")
    three = two.push(two.present.decide(labels, [1], status="SEM-true"), "SEM-true")
    return three.undo()


def test_everything_that_was_saved_is_there_again(folder, state_of, cube, run, strokes):
    store = ProjectStore(folder)
    place = store.write_run(cube, run)
    truth = np.zeros(cube.shape, np.uint8)
    truth[4:6, 4:6], truth[8, 8] = 1, 2
    valid = np.ones(cube.shape, np.uint8)
    valid[:, :3] = 0
    labels = run.result.pseudo_labels.copy()
    labels[:5] = 7
    verdicts = _verdicts(cube.shape)
    clusters = Clusters(
        names={2: "quartz", 7: "vein"}, colours={7: (0.1, 0.2, 0.3, 1.0)}, background=(2,)
    )
    looks = (Look(key="element Fe", name="iron", visible=False, contrast_limits=(1.0, 9.0)),)
    state = state_of(
        results=(ResultState("rx", 3.5, 2, clusters),),
        folders={"rx": place},
        truths=((3, "my truth"),),
        has_valid=True,
        images={
            "strokes rx": ImageToSave("strokes", lambda: strokes),
            "labels rx": ImageToSave("labels", lambda: labels),
            "truth 3": ImageToSave("truth", lambda: truth),
            "valid": ImageToSave("valid", lambda: valid),
        },
        verdicts=verdicts,
        layers=looks,
        log=(LogEntry("ran rx"),),
    )
    store.save(state)

    again = load_project(folder)
    one = again.results["rx"]
    assert (one.note.threshold, one.note.min_grain_px) == (3.5, 2)
    assert np.array_equal(one.run.result.score, run.result.score, equal_nan=True)
    assert np.array_equal(one.judged.edits, strokes)
    assert one.mask[3, 4]
    assert not one.mask[20, 25]
    assert np.array_equal(one.clusters.labels, labels)
    assert one.clusters.names[7] == "vein"
    assert one.clusters.colours[7] == (0.1, 0.2, 0.3, 1.0)
    assert 7 not in one.clusters.background
    assert again.truths[0][:2] == (3, "my truth")
    assert np.array_equal(again.truths[0][2], truth)
    assert np.array_equal(again.valid, valid != 0)
    assert again.file.layers == looks
    assert again.verdicts is not None
    assert [v.status for v in again.verdicts.present.verdicts] == ["accept", "reject", "reject"]
    assert again.verdicts.undo_text == "reject"
    assert again.verdicts.redo_text == "SEM-true"
    redone = again.verdicts.redo().present.verdicts
    assert [v.status for v in redone] == ["reject", "reject", "SEM-true"]
    assert again.verdicts.undo().present.verdicts[0].comment == "gold?"
    assert np.array_equal(redone[2].pixels, verdicts.redo().present.verdicts[2].pixels)
    assert again.cube is not None
    assert np.array_equal(again.cube.maps, cube.maps)
    assert [entry.what for entry in read_log(folder)] == ["ran rx"]
    # Other programs read the truth with the values of a truth file.
    assert set(np.unique(tifffile.imread(folder / again.file.truths[0].file))) == {0, 1, 255}


def test_what_did_not_change_stays_and_older_files_go(folder, state_of, cube, run, strokes):
    store = ProjectStore(folder)
    place = store.write_run(cube, run)
    first = store.save(
        state_of(
            folders={"rx": place}, images={"strokes rx": ImageToSave("strokes", lambda: strokes)}
        )
    )
    second = store.save(state_of(results=(ResultState("rx", 4.0),)))
    assert second.results[0].strokes == first.results[0].strokes
    assert second.created == first.created
    third = store.save(state_of(images={"strokes rx": ImageToSave("strokes", lambda: -strokes)}))
    layers = sorted(path.name for path in (folder / "layers").iterdir())
    assert layers == [Path(third.results[0].strokes).name]
    fourth = store.save(state_of(images={"strokes rx": ImageToSave("strokes", lambda: None)}))
    assert fourth.results[0].strokes is None
    assert not list((folder / "layers").iterdir())


def test_a_newer_run_replaces_the_older_one_and_a_run_that_is_being_written_is_kept(
    folder, state_of, cube, run
):
    store = ProjectStore(folder)
    first = store.write_run(cube, run)
    store.save(state_of(folders={"rx": first}))
    second = store.write_run(cube, run)
    store.save(state_of())  # another change is saved before the new run is named
    assert (folder / second / "run.json").is_file()
    store.save(state_of(folders={"rx": second}))
    assert not (folder / first).exists()
    assert load_project(folder).file.results[0].folder == second


def test_a_result_whose_layers_were_removed_stays_in_the_project(folder, state_of, cube, run):
    store = ProjectStore(folder)
    store.save(state_of(folders={"rx": store.write_run(cube, run)}))
    store.save(state_of(results=()))
    assert read_project(folder).results[0].detector == "rx"


def test_a_state_that_cannot_be_written_leaves_the_state_before(folder, state_of, cube, run):
    store = ProjectStore(folder)
    store.save(state_of(folders={"rx": store.write_run(cube, run)}))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def full_disk() -> np.ndarray:
        raise OSError(28, "No space left on device")

    images = {
        "truth 1": ImageToSave("truth", lambda: np.zeros(cube.shape, np.uint8)),
        "valid": ImageToSave("valid", full_disk),
    }
    with pytest.raises(InputError, match="No space left"):
        store.save(state_of(images=images))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_gone_is_not_made_again(folder, state_of):
    store = ProjectStore(folder)
    folder.rmdir()
    with pytest.raises(InputError, match="is not there any more"):
        store.save(state_of())
    assert not folder.exists()


def test_maps_that_are_in_no_file_are_copied(folder, state_of, cube):
    ProjectStore(folder).save(state_of(scan=None, results=()))
    again = load_project(folder)
    assert again.file.maps.stored == "maps.ome.tif"
    assert again.cube is not None
    assert again.cube.elements == cube.elements
    assert again.cube.pixel_size == cube.pixel_size
    assert again.cube.maps.dtype == cube.maps.dtype
    assert np.array_equal(again.cube.maps, cube.maps)


def test_keys_of_a_later_program_survive_a_save(folder, state_of, cube, run):
    store = ProjectStore(folder)
    store.save(state_of(folders={"rx": store.write_run(cube, run)}))
    path = folder / "project.json"
    content = json.loads(path.read_text()) | {"mood": "good", "fiducials": [{"name": "A"}]}
    path.write_text(json.dumps(content))
    ProjectStore(folder, read_project(folder)).save(state_of())
    kept = json.loads(path.read_text())
    assert kept["mood"] == "good"
    assert kept["fiducials"] == [{"name": "A"}]


_SAVER = """
import sys, numpy as np
from pathlib import Path
from napari_mineral_anomaly.project.saving.state import *
from napari_mineral_anomaly.project.saving.store import ProjectStore
store = ProjectStore(Path(sys.argv[1]))
print("ready", flush=True)
for n in range(1, 255):
    image = np.full((200, 300), n % 2, np.uint8)
    image[:n] = 1
    images = {"truth 1": ImageToSave("truth", lambda: image)}
    store.save(SectionState(f"state {n}", (200, 300), None, (), None, truths=((1, f"{n}"),),
        images=images))
"""


@pytest.mark.parametrize("wait", [0.05, 0.2, 0.45])
def test_a_kill_leaves_a_state_that_belongs_together(folder, wait):
    argv = [sys.executable, "-c", _SAVER, str(folder)]
    saver = subprocess.Popen(argv, stdout=subprocess.PIPE, env=os.environ)
    assert saver.stdout is not None
    saver.stdout.readline()
    deadline = time.time() + 20
    while not (folder / "project.json").exists() and time.time() < deadline:
        time.sleep(0.01)
    time.sleep(wait)
    saver.send_signal(signal.SIGKILL)
    saver.wait()
    file = read_project(folder)
    n = int(file.truths[0].name)
    image = tifffile.imread(folder / file.truths[0].file)
    expected = np.full((200, 300), n % 2)
    expected[:n] = 1
    assert np.array_equal(image, expected)
    assert file.name == f"state {n}"
    # The next window leaves nothing behind of what was being written.
    ProjectStore(folder, file).tidy()
    assert [p.name for p in (folder / "layers").iterdir()] == [Path(file.truths[0].file).name]
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_tidying_removes_half_written_files_of_any_process_and_nothing_else(folder, state_of):
    store = ProjectStore(folder)
    store.save(state_of())
    (folder / "layers").mkdir(exist_ok=True)
    names = (".0123abcd-999999-7.json", ".999999-7.json", "layers/.0123abcd-999999-8.tif")
    for name in names:
        (folder / name).write_bytes(b"half")
    own = (folder / ".notes", folder / "0123abcd-1-1.json")
    for path in own:
        path.write_text("mine")
    ProjectStore(folder, read_project(folder)).tidy()
    assert not [name for name in names if (folder / name).exists()]
    assert all(path.exists() for path in own)


def test_a_copy_finds_the_maps_from_its_new_place(home, tmp_path):
    target = tmp_path / "far" / "away" / "copy"
    target.parent.mkdir(parents=True)
    copy_project(home / "result", target)
    assert load_project(target).cube is not None
    with pytest.raises(InputError, match="is not empty"):
        copy_project(home / "result", target)
