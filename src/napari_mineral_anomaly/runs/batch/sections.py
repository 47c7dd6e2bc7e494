"""Which sections a batch has, and the name of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, is_folder
from napari_mineral_anomaly.io.reading.source import folders_with_maps, list_source, split_dataset
from napari_mineral_anomaly.io.writing.file_names import safe_file_name
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.words import listed

# Names in the folder of a batch that no section may take.
_RESERVED = ("sections.csv", "index.html", "batch.json")


def find_sections(inputs: Sequence[Path], out: Path, *, task: Task = SILENT) -> list[Path]:
    """The sections among the inputs: scans, and the scans in parent folders.

    Parameters
    ----------
    inputs : paths
        Each is a scan, or a folder that holds scans: folders with maps, and files of which each is
        a scan.
    out : path
        The folder of the batch, which is no section.
    task : Task, optional
        Is told what else a parent folder holds.

    Returns
    -------
    list of Path
        Absolute, without doubles, in the order of the inputs and of the names in a parent folder.

    Raises
    ------
    InputError
        When an input does not exist.
    """
    found: dict[Path, None] = {}
    for given in inputs:
        # Links are not resolved: a link keeps the name that the user gave it.
        path = Path(os.path.abspath(given))  # noqa: PTH100 (absolute() keeps ..)
        if not split_dataset(path)[0].exists():
            raise InputError(f"{given} does not exist; check the spelling and the drive.")
        within = [] if _is_scan(path) else _within(path, out, task)
        found |= dict.fromkeys(within or [path])
    return list(found)


def section_names(sections: Iterable[Path], known: Mapping[str, str]) -> dict[str, str]:
    """A folder name for each section: its own, with that of its parents where two are equal.

    Parameters
    ----------
    sections : absolute paths
    known : mapping
        Names of sections of an earlier call, which they keep, by path.

    Returns
    -------
    dict
        Name by path, those of ``known`` first.
    """
    names = dict(known)
    taken = {name.casefold() for name in (*names.values(), *_RESERVED)}
    fresh = [path for path in sections if str(path) not in names]
    depth = 1
    wanted = {path: _name(path, depth) for path in fresh}
    longest = max((len(path.parts) for path in fresh), default=0)
    while depth < longest:
        depth += 1
        counts = Counter(name.casefold() for name in wanted.values())
        alike = [p for p, name in wanted.items() if counts[name.casefold()] > 1]
        if not alike:
            break
        wanted |= {path: _name(path, depth) for path in alike}
    for path, name in wanted.items():
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            free = f"{name} ({number})"
        taken.add(free.casefold())
        names[str(path)] = free
    return names


def _is_scan(path: Path) -> bool:
    """Whether a path is one scan rather than a folder of scans."""
    if not is_folder(path):
        return True
    # One file that holds a scan, beside folders of scans, is one among them.
    is_one_of_many = len(list_source(path).files) == 1 and bool(folders_with_maps(path))
    return can_read(path) and not is_one_of_many


def _within(folder: Path, out: Path, task: Task) -> list[Path]:
    outside = Path(os.path.abspath(out))  # noqa: PTH100 (absolute() keeps ..)
    found = [folder / name for name in folders_with_maps(folder)]
    found += [path for path in entries(folder) if is_file(path)]
    found = [path for path in found if not path.name.startswith(".") and path != outside]
    scans = sorted(filter(can_read, found), key=lambda path: path.name.casefold())
    others = sorted(path.name for path in found if path not in scans)
    if scans and others:
        task.note(f"No sections in {folder}, by their names: {listed(others)}.")
    return scans


def _name(path: Path, depth: int) -> str:
    file, dataset = split_dataset(path)
    own = file.name if is_folder(file) else file.name.split(".")[0]
    if dataset is not None:
        own += dataset.replace("/", "_")
    parents = [part for part in file.parent.parts if part != file.anchor]
    before = parents[len(parents) - depth + 1 :] if depth > 1 else []
    return safe_file_name("_".join([*before, own]))
