"""How long a computation will still take, from the plan that it tells and from its steps.

A plan lists the parts that are to come with their costs on some computer. How much slower or
faster this computer is shows as the steps come. Parts without steps of their own, and parts that
end early, are passed when a later part begins.
"""

from __future__ import annotations

import math

from napari_mineral_anomaly.progress import PLAN, Part, ProgressEvent

# Nothing is said before so much time has passed, and so much of the work is done.
_LEAST_SECONDS, _LEAST_SHARE = 1.0, 0.03
# What is said follows what is computed with this delay: in seconds, and as a share of the rest.
_DELAY_SECONDS, _DELAY_SHARE = 1.0, 0.15


class TimeLeft:
    """Hears the events of one computation and tells what is left of it."""

    def __init__(self) -> None:
        self._ahead: list[Part] = []
        # Of the part that runs: whether it has begun, its last step, and the share that is done.
        self._has_begun = False
        self._step = 0
        self._share = 0.0
        # Work of the parts that are passed, in seconds of the plan.
        self._passed = 0.0
        self._since = 0.0
        self._speed: float | None = None
        self._heard = 0.0
        self._end: float | None = None
        self._told = 0.0
        self._done = 0.0

    def hear(self, event: ProgressEvent, now: float) -> None:
        """Take an event; ``now`` in seconds of a monotonic clock."""
        if event.phase == PLAN:
            self._replan(list(event.parts), now)
        elif self._move(event):
            work = self._passed + self._share * self._ahead[0].seconds
            total = self._passed + sum(part.seconds for part in self._ahead)
            elapsed = now - self._since
            self._heard = now
            if elapsed >= _LEAST_SECONDS and work >= _LEAST_SHARE * total:
                self._speed = elapsed / work

    def seconds(self, now: float) -> float | None:
        """Seconds that are left; None while that is not known."""
        if self._speed is None or not self._ahead:
            return None
        work = sum(part.seconds for part in self._ahead) - self._share * self._ahead[0].seconds
        left = max(0.0, self._speed * work - (now - self._heard))
        if self._end is None:
            self._end = now + left
        else:
            delay = max(_DELAY_SECONDS, _DELAY_SHARE * left)
            weight = 1.0 - math.exp(-max(0.0, now - self._told) / delay)
            self._end += weight * (now + left - self._end)
        self._told = now
        return max(0.0, self._end - now)

    def share(self, now: float) -> float | None:
        """Share of the time that has passed, which never falls; None while that is not known."""
        left = self.seconds(now)
        if left is None:
            return None
        passed = now - self._since
        self._done = max(self._done, passed / max(passed + left, 1e-9))
        return self._done

    def _replan(self, parts: list[Part], now: float) -> None:
        if self._ahead:
            self._pass(0)
        else:
            self._since = self._heard = now
        self._ahead, self._end = parts, None
        self._has_begun, self._step, self._share = False, 0, 0.0

    def _move(self, event: ProgressEvent) -> bool:
        """Go to the part of an event; False where the plan does not know it."""
        at = self._part_of(event)
        if at is None:
            return False
        if at:
            self._pass(at - 1)
            del self._ahead[:at]
            self._share = 0.0
        self._has_begun, self._step = True, event.step
        if event.total > 0:
            self._share = min(1.0, event.step / event.total)
        return True

    def _part_of(self, event: ProgressEvent) -> int | None:
        """Which of the parts ahead an event belongs to; steps that start again are the next one."""
        for at, part in enumerate(self._ahead):
            goes_on = at > 0 or not self._has_begun or event.step > self._step
            if part.phase == event.phase and goes_on:
                return at
        return 0 if self._ahead and self._ahead[0].phase == event.phase else None

    def _pass(self, last: int) -> None:
        """Count the work of the parts up to ``last``; the one that runs may have ended early."""
        first, *others = self._ahead[: last + 1]
        has_steps = self._has_begun and self._share > 0
        self._passed += first.seconds * (self._share if has_steps else 1.0)
        self._passed += sum(part.seconds for part in others)


def duration(seconds: float) -> str:
    """A duration as people say it: "8 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def about_left(seconds: float) -> str:
    """What is left in round numbers, because nobody knows better: "about 40 s left"."""
    if seconds < 4:
        return "a few seconds left"
    step = 1 if seconds < 10 else 5 if seconds < 90 else 60
    return f"about {duration(step * round(seconds / step))} left"
