"""Guards of the readers: sizes that cannot be true, and errors of libraries in plain words."""

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
    """Refuse a header that declares far more bytes than the file can hold, before they are asked
    for.

    Parameters
    ----------
    path : Path
    declared, stored : int
        Bytes unpacked, and bytes in the file. No codec of ours packs more than a thousandfold.

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
    """Turn whatever a decoding library raises on a bad file into one `InputError`.

    The families have nothing in common: TiffFileError, struct.error, zlib.error, RuntimeErrors of
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
    """Keeps the log lines of this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())


@contextmanager
def collected_log(name: str) -> Iterator[list[str]]:
    """Collect what a library logs, so that it reaches the report and not just the terminal."""
    collector = _Collector()
    logger = logging.getLogger(name)
    logger.addHandler(collector)
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)
