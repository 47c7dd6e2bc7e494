"""`Task`: every long computation takes one, tells its progress to it and asks it for a cancel.

It lives in core, not in `jobs`, because detectors use it; `jobs` only carries events and a cancel
between threads. A computation does not know who listens.
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


@dataclass(frozen=True)
class Task:
    """What a long computation is given to tell its progress and to hear of a cancel.

    ``Task()`` has no listener and cannot be cancelled; that is `SILENT`, the default everywhere.

    Attributes
    ----------
    listener : callable or None
        Called with each `ProgressEvent`, in the thread of the computation.
    token : CancelToken or None
        Set by whoever wants the computation to stop.
    """

    listener: ProgressCallback | None = None
    token: CancelToken | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the computation should stop."""
        return self.token is not None and self.token.cancelled

    def check(self) -> None:
        """Raise `CancelledError` if the computation should stop."""
        if self.token is not None:
            self.token.check()

    def tell(self, event: ProgressEvent) -> None:
        """Send ``event`` to the listener, without a check for a cancel."""
        if self.listener is not None:
            self.listener(event)

    def step(
        self,
        phase: str,
        done: int = 0,
        total: int = 0,
        message: str = "",
        loss: float | None = None,
        partial: Any = None,
    ) -> None:
        """Check for a cancel, then tell one step; the arguments are those of `ProgressEvent`.

        Raises
        ------
        CancelledError
            When the computation should stop; then nothing is told.
        """
        self.check()
        self.tell(ProgressEvent(phase, done, total, message, loss, partial))

    def quiet(self) -> Task:
        """The same cancel without the listener: for a part whose steps are not to be shown."""
        return Task(token=self.token)


SILENT = Task()
