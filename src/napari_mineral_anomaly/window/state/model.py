"""The state of the workbench: plain values that the steps listen to; no step knows another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

# The steps in their order.
OPEN, LOOK, FIND, DECIDE, HAND_OVER = "open", "look", "find", "decide", "hand_over"
STEPS = (OPEN, LOOK, FIND, DECIDE, HAND_OVER)


@dataclass(frozen=True)
class Section:
    """A section in the viewer: the id of its layers, and its name for people."""

    scan_id: str
    name: str


@dataclass(frozen=True)
class Activity:
    """Something that runs.

    Attributes
    ----------
    text : str
        One line for people.
    percent : int or None
        None where it is not known.
    is_run : bool
        Whether work is lost where the window closes now, so that the window asks first.
    if_closed : str
        What happens to a run then: a sentence of that question.
    """

    text: str
    percent: int | None = None
    is_run: bool = False
    if_closed: str = "If you close the window, it is given up."


@dataclass
class WorkbenchState:
    """What the steps share. ``state.events.<field>`` tells of every change of a field.

    Attributes
    ----------
    step : str
        The step that is shown, one of `STEPS`.
    sections : tuple of Section
        The sections in the viewer, in the order in which they came.
    scan_id : str or None
        The active section.
    score_id : str or None
        ``unique_id`` of the score layer that is judged and exported.
    activities : tuple of (str, Activity)
        What runs, by the name of who runs it; the newest last.
    done : frozenset of (str, str)
        The steps that are done, as (scan id, step).
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    step: str = OPEN
    sections: tuple[Section, ...] = ()
    scan_id: str | None = None
    score_id: str | None = None
    activities: tuple[tuple[str, Activity], ...] = ()
    done: frozenset[tuple[str, str]] = frozenset()

    @property
    def section(self) -> Section | None:
        """The active section."""
        return next((one for one in self.sections if one.scan_id == self.scan_id), None)

    @property
    def activity(self) -> Activity | None:
        """The newest of what runs."""
        return self.activities[-1][1] if self.activities else None

    @property
    def run(self) -> Activity | None:
        """A run whose work would be lost."""
        return next((one for _, one in self.activities if one.is_run), None)

    def report(self, who: str, activity: Activity | None) -> None:
        """Tell what ``who`` is doing; None where it has ended."""
        others = tuple(pair for pair in self.activities if pair[0] != who)
        self.activities = others if activity is None else (*others, (who, activity))

    def is_done(self, step: str) -> bool:
        """Whether a step is done for the active section."""
        return self.scan_id is not None and (self.scan_id, step) in self.done

    def set_done(self, step: str, done: bool = True, scan_id: str | None = None) -> None:
        """Tick a step of a section (default: the active one), or take its tick away."""
        scan = scan_id or self.scan_id
        if scan is not None:
            pair = {(scan, step)}
            self.done = self.done | pair if done else self.done - pair
