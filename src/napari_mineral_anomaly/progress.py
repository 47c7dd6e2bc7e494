"""`Task`: every long computation takes one, to report its progress and to be cancelled.

It is a file of core, not of `window.jobs`, because detectors use it; `window.jobs` only carries
events and a cancel between threads. A computation does not know who listens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

# The phase of an event that is a sentence for the user rather than a step.
NOTE = "note"
# The phase of an event that tells which parts are still to come.
PLAN = "plan"


class CancelledError(Exception):
    """Raised in a computation whose `CancelToken` was cancelled."""


class CancelToken:
    """A flag that the caller sets once and the computation checks.

    Computations call `check` between their steps (a training step, a tile, a chunk of DBSCAN), so
    a cancelled run ends after its current step and leaves nothing half-written.
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
class Part:
    """A part of a long computation, and what it takes beside the others.

    Attributes
    ----------
    phase : str
        That of its events; parts of one phase follow each other.
    seconds : float
        On some computer: only the ratio to the other parts counts (`time_left`).
    """

    phase: str
    seconds: float


@dataclass(frozen=True)
class ProgressEvent:
    """One step of a computation.

    Attributes
    ----------
    phase : str
        What is being done, in words for the user: "reading", "training", "pseudo-labels",
        "scoring".
    step, total : int
        Steps done and all steps of this phase; ``total`` 0 means unknown.
    message : str
        One short line for the user, may be empty.
    loss : float or None
        Training loss of this step, where there is one.
    partial : object or None
        A first usable result (for example a provisional score map), where there is one.
    parts : tuple of Part
        Of the phase `PLAN`: all that is to come.
    """

    phase: str
    step: int = 0
    total: int = 0
    message: str = ""
    loss: float | None = None
    partial: Any = None
    parts: tuple[Part, ...] = ()


ProgressCallback = Callable[[ProgressEvent], None]


@dataclass(frozen=True)
class Task:
    """What a long computation needs to report its progress and to be cancelled.

    ``Task()`` has no listener and cannot be cancelled; `SILENT`, the default everywhere, is one.

    Attributes
    ----------
    listener : callable or None
        Called with each `ProgressEvent`, in the thread of the computation.
    token : CancelToken or None
        The flag that stops the computation.
    after : tuple of Part
        What follows the computation that gets this task; see `before`.
    """

    listener: ProgressCallback | None = None
    token: CancelToken | None = None
    after: tuple[Part, ...] = ()

    @property
    def cancelled(self) -> bool:
        """Whether the computation should stop."""
        return self.token is not None and self.token.cancelled

    def check(self) -> None:
        """Raise `CancelledError` if the computation should stop."""
        if self.token is not None:
            self.token.check()

    def step(
        self,
        phase: str,
        done: int = 0,
        total: int = 0,
        message: str = "",
        loss: float | None = None,
        partial: Any = None,
    ) -> None:
        """Check for a cancel, then report one step; the arguments are those of `ProgressEvent`.

        Raises
        ------
        CancelledError
            When the computation should stop; then nothing is reported.
        """
        self.check()
        if self.listener is not None:
            self.listener(ProgressEvent(phase, done, total, message, loss, partial))

    def note(self, sentence: str) -> None:
        """Tell the user something that is not a step, such as what a killed run left behind."""
        if self.listener is not None:
            self.listener(ProgressEvent(NOTE, message=sentence))

    def plan(self, *parts: Part) -> None:
        """Tell which parts are to come; a later plan takes the place of an earlier one."""
        if self.listener is not None:
            self.listener(ProgressEvent(PLAN, parts=parts + self.after))

    def before(self, *parts: Part) -> Task:
        """The same task for a computation that these parts will follow: its plans end with them."""
        return replace(self, after=parts + self.after)

    def quiet(self) -> Task:
        """The same task without its listener, for a part whose steps are not shown."""
        return Task(token=self.token)


SILENT = Task()
