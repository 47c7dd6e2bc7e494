"""Paths in an HDF5 file: links inside it are followed, links to other files never."""

from __future__ import annotations

from typing import Any

_MOST_LINKS = 16


def own_item(file: Any, path: str, depth: int = 0) -> Any | None:
    """The group or dataset at a path of the same file.

    Parameters
    ----------
    file : h5py.Group
        Where the path begins; a path with a leading "/" begins at the top.
    path : str

    Returns
    -------
    h5py.Group, h5py.Dataset or None
        None where there is nothing, where links run in circles, and where one leads to another
        file.
    """
    import h5py

    place = file.file if path.startswith("/") else file
    for part in path.strip("/").split("/"):
        if part in ("", "."):
            continue
        if not isinstance(place, h5py.Group):
            return None
        link = place.get(part, getlink=True)
        if isinstance(link, h5py.SoftLink):
            if depth >= _MOST_LINKS:
                return None
            place = own_item(place, link.path, depth + 1)
        elif isinstance(link, h5py.HardLink):
            place = place[part]
        else:
            return None
        if place is None:
            return None
    return place


def foreign_links(file: Any) -> dict[str, str]:
    """The links of a file to others, by their path: "a link to the file other.h5, ..."."""
    import h5py

    found: dict[str, str] = {}

    def keep(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            found[name] = f"a link to the file {link.filename}, which is not followed"

    file.visititems_links(keep)
    return found
