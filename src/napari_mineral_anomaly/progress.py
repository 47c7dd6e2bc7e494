"""Progress events and the cancel token that every long computation of core accepts.

They live in core, not in `jobs`, because detectors emit and check them; `jobs` only carries them
between threads. Neither knows who listens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class CancelledError(Exception):
    """Raised inside a computation whose `CancelToken` was cancelled."""


class CancelToken:
    """A one-way flag: set by whoever waits, checked by whoever computes.

    Computations call `check` at natural seams (a training step, a tile, a chunk of DBSCAN), so a
    cancelled run ends at the next seam and leaves nothing half-written.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the computation to stop; may be called from any thread, more than once."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `CancelledError` if `cancel` was called."""
        if self._event.is_set():
            raise CancelledError("The run was cancelled.")


@dataclass(frozen=True)
class ProgressEvent:
    """One step of a computation.

    Attributes
    ----------
    phase : str
        What is being done, in the user's words: "reading", "training", "pseudo-labels", "scoring".
    step, total : int
        Steps done and steps in this phase; ``total`` 0 means unknown.
    message : str
        One short line for people, may be empty.
    loss : float or None
        Training loss of this step, where there is one.
    partial : object or None
        A first usable result (for example a provisional score map), where there is one.
    """

    phase: str
    step: int = 0
    total: int = 0
    message: str = ""
    loss: float | None = None
    partial: Any = None


ProgressCallback = Callable[[ProgressEvent], None]


def emit(on_event: ProgressCallback | None, event: ProgressEvent) -> None:
    """Send ``event`` to ``on_event`` if somebody listens."""
    if on_event is not None:
        on_event(event)


def check(cancel: CancelToken | None) -> None:
    """Raise `CancelledError` if ``cancel`` was given and is cancelled."""
    if cancel is not None:
        cancel.check()
