"""The refusal of a folder without element maps: what it holds, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import (
    format_of,
    open_maps,
    parse_file_names,
    what_is_read,
)
from napari_mineral_anomaly.io.formats.registry import OTHER_PICTURE, PICTURE, TIFF
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, is_folder
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.io.reading.naming.undecided import UnnamedMapsError, undecided_file
from napari_mineral_anomaly.io.reading.source import Listing, folders_with_maps
from napari_mineral_anomaly.io.run_files import RUN_FILE
from napari_mineral_anomaly.words import listed


def no_maps(listing: Listing, left_out: Collection[Path] = ()) -> InputError:
    """The refusal of a folder (or of several files) that holds no element map.

    ``left_out`` are the files that the user leaves out.
    """
    root = listing.root
    if left_out:
        without = [listing.name(path) for path in listing.files if path in left_out]
        return InputError(
            f"{root} holds no element map but those that you leave out ({listed(without)}); "
            f'--name "{without[0]}=auto" takes one back.'
        )
    names = [listing.name(path) for path in listing.files]
    others = [item.file for item in listing.ignored]
    if is_file(root / RUN_FILE):
        return InputError(
            f"{root} holds the results of a run ({RUN_FILE}), no element maps: "
            "give the scan it was made from."
        )
    inner = folders_with_maps(root) if is_folder(root) else []
    if inner:
        noun, verb = ("subfolders", "do") if len(inner) > 1 else ("subfolder", "does")
        return InputError(
            f"{root} holds no element maps itself, its {noun} {listed(inner)} {verb}: "
            f"open {'one of them' if len(inner) > 1 else 'that'}."
            + _twins_words([root / name for name in inner])
        )
    if listing.unreadable:
        denied = [path.name for path in listing.unreadable]
        verb = "is one" if len(denied) == 1 else "are some"
        return InputError(
            f"{root} holds no element map that can be read; there {verb} that this user may not "
            f"open or that another program has locked ({listed(denied)}): ask for the right to "
            "read, or copy the folder."
        )
    if not names and not others:
        return InputError(f"{root} is empty; give the folder that holds the element maps.")
    if elsewhere := _known_but_unread(listing):
        return InputError(
            f"{root} holds no element maps but {listed(elsewhere)}; "
            f"this version reads {what_is_read()}."
        )
    pictures = [name for name in others if OTHER_PICTURE.takes(Path(name))]
    pictures += [listing.name(path) for path in listing.files if _is_picture(path)]
    if len(pictures) == len(names) + len(others):
        return InputError(
            f"{root} holds only pictures ({listed(pictures)}), no element maps: "
            "export every map as single-channel TIFF or as text."
        )
    parsed = parse_file_names(listing.files)
    undecided = [
        found
        for path, entry in zip(listing.files, parsed, strict=True)
        if (found := undecided_file(path, listing.name(path), entry, set()))
    ]
    if not names:
        return InputError(
            f"{root} holds no element map: the format of {listed(others)} is not known here; "
            f"this version reads {what_is_read()}."
        )
    if not undecided and len(listing.files) == 1 and (why := _refusal(listing.files[0])):
        return InputError(f"{root} holds no element map: {why}")
    sentence = (
        f"{root} holds no element map: no element in the names of {listed(names)}; "
        "call each file by its element, for example Fe.tif"
    )
    if not undecided:
        return InputError(f"{sentence}.")
    return UnnamedMapsError(
        f'{sentence}, or give it with --name "{undecided[0].file}=Fe".', undecided
    )


def _twins_words(folders: Sequence[Path]) -> str:
    """A hint for subfolders whose files have the same names: one scan in several formats."""
    names = [{file.name.split(".")[0] for file in entries(folder)} for folder in folders]
    suffixes = [sorted({file.suffix for file in entries(folder)}) for folder in folders]
    are_twins = len(folders) > 1 and all(one == names[0] for one in names)
    if not are_twins or len({tuple(one) for one in suffixes}) == 1:
        return ""
    return " Their files have the same names: perhaps the same maps in several formats."


def _known_but_unread(listing: Listing) -> list[str]:
    """Excel sheets, archives and the like, each with what to do."""
    found = [(item.file, format_of(Path(item.file))) for item in listing.ignored]
    return [f"{file} ({one.refusal})" for file, one in found if one is not None and one.advice]


def _refusal(path: Path) -> str:
    """Why a file cannot be read; "" where it can."""
    try:
        open_maps(path)
    except InputError as error:
        return str(error)
    return ""


def _is_picture(path: Path) -> bool:
    if not TIFF.takes(path) and not PICTURE.takes(path):
        return False
    try:
        opened = open_maps(path)
        return isinstance(opened, MapFile) and bool(opened.not_maps)
    except InputError:
        return False
