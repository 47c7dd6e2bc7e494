"""Whether a Zarr store is complete in itself: no links out of it, and codecs that are installed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_mineral_anomaly.errors import InputError

# Codecs that the library of Zarr takes from packages of their own.
_PACKAGES = {"zfpy": "zfpy", "pcodec": "pcodec", "crc32c": "google-crc32c"}


def require_own_files(path: Path) -> None:
    """Refuse a store with a link to a place outside of it.

    Parameters
    ----------
    path : Path
        The store; it may itself be a link, which the user has chosen.

    Raises
    ------
    InputError
    """
    root = path.resolve()
    folders = [path]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    target = Path(entry.path).resolve()
                    if not target.is_relative_to(root):
                        name = Path(entry.path).relative_to(path).as_posix()
                        raise InputError(
                            f"{path.name} is not complete in itself: {name} is a link to "
                            f"{target}, outside of the store, which is not opened; copy the "
                            "store with its files."
                        )
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))


@contextmanager
def codecs_named(path: Path) -> Iterator[None]:
    """Turn the library's error for a codec that is not installed into a sentence."""
    try:
        yield
    except Exception as error:
        found = re.search(r"(?:codec not available|Unknown codec):? *'*\"?([\w.\-]+)", str(error))
        if found is None:
            raise
        codec = found.group(1).removeprefix("numcodecs.")
        package = "imagecodecs" if codec.startswith("imagecodecs") else _PACKAGES.get(codec)
        way = (
            f"install the Python package {package} (pip install {package}), or " if package else ""
        )
        raise InputError(
            f"{path.name} is packed with the codec {codec}, which is not installed here; {way}"
            "save the store with Blosc or Zstandard."
        ) from None
