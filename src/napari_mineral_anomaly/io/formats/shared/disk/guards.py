"""What protects the readers: checks of sizes, and errors and warnings of libraries as sentences."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.process import memory
from napari_mineral_anomaly.progress import CancelledError

_LARGEST_PACKING = 2000
_SMALL_BYTES = 1_000_000
_STREAM_BLOCK = 16_000_000


def require_plausible(path: Path, declared: int, stored: int) -> None:
    """Refuse a header that declares far more bytes than the file can hold.

    Called before memory for the numbers is allocated.

    Parameters
    ----------
    path : Path
    declared, stored : int
        Bytes after unpacking, and bytes in the file. No codec of ours packs by more than 1000.

    Raises
    ------
    InputError
    """
    if declared > _LARGEST_PACKING * stored + _SMALL_BYTES:
        raise InputError(
            f"{path.name} is damaged: its header declares {declared / 1e9:.3g} GB of numbers, "
            f"the file holds {stored} bytes."
        )


def require_memory(path: Path, needed: int, what: str = "its numbers") -> None:
    """Refuse what cannot fit into the memory of this computer.

    Called before memory is allocated or anything is unpacked: systems promise more memory than they
    have, and end the process when it is used.

    Parameters
    ----------
    path : Path
    needed : int
        Bytes after unpacking.
    what : str
        What needs them, for the sentence.

    Raises
    ------
    InputError
    """
    available = memory()
    if available is not None and needed > available:
        raise InputError(
            f"{path.name} is too large: {what} take {in_gb(needed)} of memory after unpacking, "
            f"this computer has {in_gb(available)}; read a part of it, or use a format that is "
            "read in parts."
        )


def read_limited(
    path: Path, stream: IO[bytes] | gzip.GzipFile, n_bytes: int, share: float
) -> bytes:
    """Read an unpacked stream whose size is not known, up to a share of the memory.

    Parameters
    ----------
    path : Path
        For the sentence.
    stream : binary stream
    n_bytes : int
        How much to read; -1 for all.
    share : float
        Part of the memory of this computer that the bytes may take.

    Raises
    ------
    InputError
        When the stream holds more.
    """
    available = memory()
    if n_bytes >= 0 or available is None:
        return stream.read(n_bytes)
    most = int(share * available)
    parts: list[bytes] = []
    got = 0
    while part := stream.read(_STREAM_BLOCK):
        got += len(part)
        if got > most:
            parts.clear()
            raise InputError(
                f"{path.name} is too large: {path.stat().st_size} bytes unpack to more than "
                f"{in_gb(most)}, and reading it needs several times that; this computer has "
                f"{in_gb(available)} of memory."
            )
        parts.append(part)
    return b"".join(parts)


def in_gb(n_bytes: float) -> str:
    """A number of bytes in words: "3.2 GB", "0.4 GB"."""
    return f"{n_bytes / 1e9:.3g} GB"


@contextmanager
def explained(path: Path, kind: str) -> Iterator[None]:
    """Turn any error of a decoding library on a bad file into one `InputError`.

    The errors have no common class: TiffFileError, struct.error, zlib.error, RuntimeErrors of
    single codecs, OSError, KeyError ... The first error stays attached as the cause.
    """
    try:
        yield
    except (InputError, CancelledError):
        raise
    except PermissionError:
        raise InputError(f"{path.name} cannot be read: permission denied.") from None
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder.") from None
    except Exception as error:
        detail = " ".join(str(error).split())[:160].rstrip(".")
        raise InputError(
            f"{path.name} cannot be read as {kind} ({detail or type(error).__name__})."
        ) from error


class _Collector(logging.Handler):
    """Keeps the warnings that one thread logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())


@contextmanager
def collected_log(name: str) -> Iterator[list[str]]:
    """Collect the warnings that a library logs, so that they reach the report."""
    collector = _Collector()
    logger = logging.getLogger(name)
    logger.addHandler(collector)
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)
