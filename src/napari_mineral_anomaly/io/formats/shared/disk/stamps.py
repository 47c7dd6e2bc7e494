"""Notices that a file was changed or removed after it was opened.

An instrument may still write a file, a program may save it again, a network drive may drop out. The
header that was read then no longer fits the numbers. So size and time of the last change are kept
from the opening, and compared after every read: numbers of a changed file are never used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_mineral_anomaly.errors import InputError


@dataclass(frozen=True)
class FileStamp:
    """Size in bytes and time of the last change (ns since 1970) of a file at its opening."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """The stamp of a file now.

        Raises
        ------
        InputError
            When it is not there or cannot be reached.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise _unreachable(path, error) from None
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def modified(self) -> str:
        """The time of the last change, UTC, as ISO 8601."""
        # Whole microseconds by integers: a float would round.
        seconds, rest = divmod(self.modified_ns, 1_000_000_000)
        try:
            time = datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):  # a damaged file system
            return str(self.modified_ns)
        return time.replace(microsecond=rest // 1000).isoformat(timespec="microseconds")

    def require_unchanged(self, handle: int | None = None) -> None:
        """Refuse a file that is not as it was at its opening.

        Parameters
        ----------
        handle : int, optional
            Descriptor of the open file, which is asked in place of the name.

        Raises
        ------
        InputError
        """
        try:
            found = self.path.stat() if handle is None else os.fstat(handle)
        except OSError as error:
            raise _unreachable(self.path, error) from None
        if (found.st_size, found.st_mtime_ns) == (self.size, self.modified_ns):
            return
        difference = (
            "other numbers were written"
            if found.st_size == self.size
            else f"it had {self.size} bytes, now it has {found.st_size}"
        )
        raise InputError(
            f"{self.path.name} was changed while it was read ({difference}): open it again when "
            "the instrument or program has finished writing it."
        )


@contextmanager
def unchanged(*stamps: FileStamp) -> Iterator[None]:
    """Refuse what was read in the block if a file is not as its stamp says.

    Also after an error in the block: the change is then its likely cause, and is what is said.

    Raises
    ------
    InputError
    """
    try:
        yield
    except (InputError, OSError, ValueError):
        for stamp in stamps:
            stamp.require_unchanged()
        raise
    for stamp in stamps:
        stamp.require_unchanged()


def _unreachable(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return InputError(
            f"{path.name} is no longer there: it was moved or removed while it was read, or its "
            "drive is not connected any more."
        )
    reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    return InputError(
        f"{path.name} cannot be reached any more ({reason}): check the drive and open it again."
    )
