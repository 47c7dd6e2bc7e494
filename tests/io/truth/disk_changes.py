"""A program for a process of its own: changes files while they are read, and says what came out.

Each case runs in a fork, so that a crash of one is seen and does not end the others. One line of
JSON per case is printed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import disk_files
import numpy as np
from disk_files import FORMATS, NAMES, Format

from napari_mineral_anomaly import detect, read_maps
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_maps
from napari_mineral_anomaly.io.reading import read
from napari_mineral_anomaly.io.reading import spectra as reading_spectra
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.runs.record import input_hashes
from napari_mineral_anomaly.scan.spectra import image

DAMAGES = ("cut", "shorter", "other", "deleted")
MOMENTS = ("listed", "opened", "half read", "read", "lazy")


def damage(files: list[Path], how: str, other: Path) -> None:
    """Change files as an instrument, another program or a drive would."""
    time.sleep(0.03)  # longer than the clock of the file system ticks
    for file in files:
        if how == "deleted":
            file.unlink()
        elif how == "cut":
            os.truncate(file, file.stat().st_size // 3)
        elif how == "shorter":
            file.write_bytes(b"no numbers any more\n")
        else:
            with file.open("r+b") as stream:  # in place, as a program that saves again
                stream.write((other / file.name).read_bytes())
                stream.truncate()


def before(module: Any, name: str, act: Callable[[], None]) -> None:
    """Call ``act`` before a function of a module, once."""
    function, todo = getattr(module, name), [act]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if todo:
            todo.pop()()
        return function(*args, **kwargs)

    setattr(module, name, wrapped)


def outcome(form: Format, how: str, moment: str, folder: Path) -> str:
    """ "right", "refused: ..." or what went wrong."""
    path, other_path = (form.path(folder / name) for name in ("scan", "other"))
    inside, other_inside = (one if one.is_dir() else one.parent for one in (path, other_path))
    files = sorted(inside.glob(form.damaged))
    assert files, form.damaged
    other = {file: other_inside / file.relative_to(inside) for file in files}
    numbers = np.load(folder / "numbers.npy")
    options = form.options()

    def act() -> None:
        for file in files:
            damage([file], how, other[file].parent)

    todo = [act]

    def on_event(event: ProgressEvent) -> None:
        if event.phase in ("reading", "summing spectra") and event.step >= 1 and todo:
            todo.pop()()

    if moment == "listed":
        before(read, "select_maps", act)
    elif moment == "opened":
        before(read, "_read_planes", act)
        before(reading_spectra, "choose_elements", act)
        # A fork per case: the function was imported by name where maps are made from spectra.
    elif moment == "half read":
        image.BLOCK_COUNTS = 5 * disk_files.W * disk_files.E
        options["task"] = Task(on_event)
    elif moment == "lazy":
        zarr_maps.LAZY_ABOVE_BYTES = 0
    try:
        cube = read_maps(path, **options)
        if moment in ("read", "lazy"):
            act()
            hashes = input_hashes(cube)
            kept = [name for name, value in hashes.items() if value is not None]
            if any(file.name in kept for file in files):
                return f"the hash of a changed file: {kept}"
            if moment == "lazy" and cube.is_lazy:
                detect(cube, detector="rx")
            if cube.spectra is not None:
                values = np.asarray(cube.spectra.block(slice(0, disk_files.H)))
                if not np.array_equal(values, disk_files.spectra(1)):
                    return "wrong spectra"
        maps = np.asarray(cube.maps)
        assert cube.report is not None
    except InputError as refusal:
        sentence = str(refusal)
        is_one = len(sentence) < 500 and sentence.isprintable() and sentence.endswith(".")
        return f"refused: {sentence}" if is_one else f"no sentence: {sentence}"
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    if any("not stored and read as" in note for note in cube.report.warnings):
        return "right"  # a Zarr store may leave chunks out, and the report says so
    for c, name in enumerate(cube.elements):
        fits = [np.array_equal(maps[c], one[NAMES.index(name)]) for one in numbers]
        # Before it is opened, a file that is whole again is simply another scan.
        if not (fits[0] or (fits[1] and how == "other" and moment == "listed")):
            return f"wrong numbers of {name}"
    return "right" if set(cube.elements) == set(NAMES) else f"only {cube.elements}"


def main() -> None:
    """Run the cases of the formats whose names are the arguments; all without arguments."""
    # What takes long to load is loaded once. Not Zarr and HDF5, which would start threads.
    with tempfile.TemporaryDirectory(prefix="disk-") as place:
        warm = read_maps(FORMATS["Ripple"].write(Path(place), 1), elements=NAMES)
        detect(warm, detector="rx")
    for name in sys.argv[1:] or FORMATS:
        with tempfile.TemporaryDirectory(prefix="disk-") as place:
            good = Path(place, "good")
            said = _in_fork(partial(_prepare, FORMATS[name], good))
            if said != "right":
                _say(name, "", "good", said)
            for how in DAMAGES:
                for moment in MOMENTS:
                    if not _is_tried(name, how, moment):
                        continue
                    folder = Path(place, f"{how} {moment}")
                    shutil.copytree(good, folder)
                    said = _in_fork(partial(outcome, FORMATS[name], how, moment, folder))
                    _say(name, how, moment, said)


def _is_tried(name: str, how: str, moment: str) -> bool:
    if moment == "lazy":
        return name.startswith("Zarr")
    return how != "shorter" or moment in ("opened", "half read")


def _say(*words: str) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _prepare(form: Format, folder: Path) -> str:
    """Write a scan and the other one; keep the maps of both."""
    numbers = []
    for seed, name in ((1, "scan"), (2, "other")):
        (folder / name).mkdir(parents=True)
        cube = read_maps(form.write(folder / name, seed), **form.options())
        if cube.elements != NAMES:
            return f"the good file gives {cube.elements}"
        numbers.append(np.asarray(cube.maps))
    np.save(folder / "numbers.npy", np.array(numbers))
    return "right"


def _in_fork(case: Callable[[], str]) -> str:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            said = case()
        except BaseException as error:
            said = f"the case itself raised {type(error).__name__}: {error}"
        os.write(theirs, said.encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answers:
        said = answers.read().decode()
    _, status = os.waitpid(child, 0)
    return said if os.WIFEXITED(status) and said else f"died of signal {os.WTERMSIG(status)}"


if __name__ == "__main__":
    main()
