"""The files of a folder that are named by elements, a map in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import kind_of, open_maps
from napari_mineral_anomaly.io.formats.shared.extras import MissingPackageError
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, SpectraInside
from napari_mineral_anomaly.io.formats.signatures import WrongEndingError
from napari_mineral_anomaly.io.reading.naming.headings import element_of_heading, heading_words
from napari_mineral_anomaly.io.reading.naming.undecided import (
    chosen_of_each_label,
    mixed_words,
    odd_words,
    remark,
    undecided_file,
)
from napari_mineral_anomaly.io.reading.parts import missing_parts_words
from napari_mineral_anomaly.io.reading.selecting.selection import Selection
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.names.map_names import ParsedName
from napari_mineral_anomaly.words import listed


def select_by_name(
    selection: Selection,
    listing: Listing,
    files: Sequence[Path],
    parsed: Sequence[ParsedName],
    task: Task,
) -> None:
    """Open the files that name an element; explain every other."""
    notes: dict[str, list[str]] = defaultdict(list)
    used: dict[str, tuple[str, ParsedName]] = {}
    others: list[tuple[Path, ParsedName]] = []
    parts: set[str] = set()
    chosen = chosen_of_each_label(parsed, [listing.name(path) for path in files])
    for step, (path, entry) in enumerate(zip(files, parsed, strict=True), start=1):
        task.check()
        name = listing.name(path)
        task.step("opening", step, len(files), name)
        if entry.role != "element":
            others.append((path, entry))
            continue
        if chosen[entry.label] != step - 1:
            first = listing.name(files[chosen[entry.label]])
            reason = f"a second map of {entry.label}; {first} is used"
            selection.ignore(name, reason, warn=f"{name} is {reason}.")
            continue
        file = _opened(path)
        if file.not_maps:
            warn = f"{name} is {file.not_maps}: {entry.label} is not in the scan."
            selection.ignore(name, file.not_maps, warn=warn)
            continue
        if len(file.planes) > 1:
            raise InputError(
                f"{name} holds {len(file.planes)} planes, but a folder of maps needs one per "
                "element; open the file on its own or move it out of the folder."
            )
        if (heading := element_of_heading(file, entry)) is not None:
            selection.warnings.append(heading_words(name, heading, entry))
            entry = heading
            if entry.label in chosen or entry.label in selection.planes:
                raise InputError(
                    f"{name} holds {entry.label} by its heading, which another file holds, too; "
                    "move one of them out of the folder."
                )
        selection.planes[entry.label] = file.planes[0]
        used[entry.label] = name, entry
        parts |= set(file.parts)
        selection.tell(name, entry)
        if file.quantity == "unknown":  # one map of display values spoils them all
            selection.quantity = "unknown"
        selection.steps += [(name, step) for step in file.steps]
        for note in file.notes:
            notes[note].append(name)
    shapes = {plane.shape for plane in selection.planes.values()}
    for path, entry in others:
        task.check()
        name = listing.name(path)
        if entry.role == "left out" and entry.told_by:
            selection.left_out.add(path)
        elif entry.role == "companion" and entry.told_by:
            selection.as_context[path] = entry
        elif path.name in parts:
            _opened(path)  # refuses a damaged one
        if entry.role == "unknown" and (found := undecided_file(path, name, entry, shapes)):
            selection.to_decide.append(found)
        else:
            selection.ignore(name, entry.reason + remark(path, shapes))
    selection.warnings += [*mixed_words(used), *odd_words(used)]
    selection.warnings += missing_parts_words(files, parts)
    selection.warnings += [f"{listed(names)}: {note}." for note, names in notes.items()]


def _opened(path: Path) -> MapFile:
    """A file among others of a folder."""
    try:
        file = open_maps(path)
    except WrongEndingError as error:
        raise InputError(f"{str(error).rstrip('.')}, or move it out of the folder.") from error
    except MissingPackageError:
        raise
    except InputError as error:
        raise InputError(_move_it(str(error))) from error
    if file is None:  # listings hold only files with a reader
        raise InputError(f"{path.name} is {kind_of(path)}.")
    if isinstance(file, SpectraInside):
        raise InputError(_move_it(file.sentence))
    return file


def _move_it(sentence: str) -> str:
    if "move it out of the folder" in sentence:
        return sentence
    return f"{sentence.rstrip('.')}; export it again or move it out of the folder."
