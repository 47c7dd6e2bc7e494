"""Images beside the maps: how a project finds their files again after a move.

The key of their layers ends with the path of the file: "context FILE" for an image of the same
grid, "registered FILE" for one of another grid.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_mineral_anomaly.project.format import Look
from napari_mineral_anomaly.project.maps import place_of, seen_from

CONTEXT, REGISTERED = "context", "registered"


def file_of(look: Look) -> Path | None:
    """The file of an image beside the maps; None for all other layers."""
    kind, _, path = look.key.partition(" ")
    return Path(path) if kind in (CONTEXT, REGISTERED) and path else None


def with_places(looks: Iterable[Look], folder: Path) -> tuple[Look, ...]:
    """Note where the files are, seen from a project folder too."""
    return tuple(
        look if path is None else look.model_copy(update={"place": place_of(path, folder)})
        for look, path in ((one, file_of(one)) for one in looks)
    )


def found_looks(looks: Iterable[Look], folder: Path, maps: Iterable[Path]) -> tuple[Look, ...]:
    """Look for the files: seen from the project, where they were, and beside the maps.

    A look whose file is nowhere stays as it is.

    Parameters
    ----------
    looks : iterable of Look
    folder : Path
        The project.
    maps : iterable of Path
        The folders or files of the scan.
    """
    beside = [path if path.is_dir() else path.parent for path in maps]
    return tuple(_found(look, folder, beside) for look in looks)


def _found(look: Look, folder: Path, beside: list[Path]) -> Look:
    path = file_of(look)
    if path is None:
        return look
    here = [] if look.place is None else [seen_from(folder, look.place)]
    for place in (*here, path, *(one / path.name for one in beside)):
        if place.is_file():
            kind = look.key.partition(" ")[0]
            return look.model_copy(update={"key": f"{kind} {place}"})
    return look
