"""What protects the readers: checks of sizes, and errors and warnings of libraries as sentences."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError

_LARGEST_PACKING = 2000
_SMALL_BYTES = 1_000_000


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
