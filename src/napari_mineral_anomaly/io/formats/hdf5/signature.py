"""Whether a file holds HDF5, whatever its name: by the bytes at its beginning."""

from __future__ import annotations

from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# A block of the user may come before it: HDF5 looks at 0, 512, 1024, 2048 ...
_OFFSETS = (0, 512, 1024, 2048)


def is_hdf5(path: Path) -> bool:
    """Whether an ordinary file begins like HDF5; never raises."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            for offset in _OFFSETS:
                file.seek(offset)
                if file.read(len(_SIGNATURE)) == _SIGNATURE:
                    return True
    except (OSError, ValueError):
        pass
    return False
