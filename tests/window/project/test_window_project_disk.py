"""A full disk, a read-only one, a folder that may not be written: told at once, nothing lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.recent import is_unsaved
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.project.keeper import SectionKeeper
from napari_mineral_anomaly.window.project.projects import Projects
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

LONG = 30_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(disk: Path) -> Path:
    """Use up all that is free."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    return filler


@pytest.fixture
def projects(
    scanned: ViewerModel, make_dock: Callable[..., Any], qtbot: Any
) -> Iterator[Callable[[], Projects]]:
    made: list[Projects] = []

    class Nobody:
        asked: list[str] = []  # noqa: RUF012 (one user for each test)

        def before_closing(self, sentence: str) -> str:
            self.asked.append(sentence)
            return "stay"

    def start() -> Projects:
        made.append(Projects(scanned, SyncExecutor(), Nobody()))  # type: ignore[arg-type]
        detect = make_dock(FindStep, scanned)
        detect.choose_detector("rx")
        detect.run()
        return made[-1]

    yield start
    for one in made:
        one.close()


def _keeper(projects: Projects) -> SectionKeeper:
    return next(iter(projects.keepers.values()))


def _break(kind: str, disk: Path) -> None:
    if kind == "full":
        _fill(disk)
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.parametrize(("kind", "why"), [("full", "no space left"), ("read-only", "read-only")])
def test_a_disk_that_takes_no_more_is_told_and_the_work_goes_on_elsewhere(
    kind, why, scanned, projects, disk, qtbot
):
    both = projects()
    keeper = _keeper(both)
    own = disk / "own"
    both.save_as(keeper.scan_id, own)
    assert keeper.folder == own
    mask = first_layer(scanned, "mask")
    mask.paint((5, 5), 1)
    assert keeper.save_now()
    said: list[str] = []
    keeper.failed.connect(said.append)
    _break(kind, disk)
    mask.paint((44, 44), 1)
    qtbot.waitUntil(lambda: bool(said), timeout=5_000)
    assert why in said[0]
    assert "Your work is kept in" in said[0]
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    kept = load_project(keeper.folder)
    assert is_unsaved(keeper.folder)
    assert kept.results["rx"].judged.edits[44, 44] == 1
    assert kept.results["rx"].judged.edits[5, 5] == 1
    # The project on the disk is whole, as it was.
    before = load_project(own).results["rx"].judged.edits
    assert before[5, 5] == 1
    assert before[44, 44] == 0
    # It has no place of its own now, and closing says so.
    assert not both.may_close()
    assert "has no folder of its own yet" in both.asker.asked[-1]


def test_a_full_disk_of_our_own_keeps_the_work_in_memory_until_there_is_room(
    scanned, projects, disk, qtbot, monkeypatch
):
    monkeypatch.setenv("MINERAL_ANOMALY_CONFIG", str(disk / "config"))
    both = projects()
    keeper = _keeper(both)
    assert keeper.save_now()
    filler = _fill(disk)
    first_layer(scanned, "mask").paint((44, 44), 1)
    qtbot.waitUntil(lambda: bool(keeper.problem), timeout=5_000)
    assert "no space left" in keeper.problem
    assert keeper.has_unsaved_work
    assert not both.may_close()
    assert "is not saved" in both.asker.asked[-1]
    filler.unlink()
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    assert load_project(keeper.folder).results["rx"].judged.edits[44, 44] == 1
