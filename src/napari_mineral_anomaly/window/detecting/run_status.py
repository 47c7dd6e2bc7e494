"""What a run is doing, in one line: phase, step, time left and loss; then what it found."""

from __future__ import annotations

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.pixels.mask import MaskCounts
from napari_mineral_anomaly.progress import PLAN, ProgressEvent
from napari_mineral_anomaly.time_left import TimeLeft, about_left, duration
from napari_mineral_anomaly.words import counted

# With fewer steps the estimate of the remaining time jumps too much.
_STEPS_BEFORE_GUESS = 3
# Seconds; what ends at once is not told.
_WORTH_TELLING = 1.0


class RunClock:
    """Makes the status of one run from its events.

    The time left is that of the whole run where the detector tells its plan (`msfa`); elsewhere
    that of the phase, counted from the start of the phase.
    """

    def __init__(self) -> None:
        self._whole = TimeLeft()
        self._has_plan = False
        self._line = ""
        self._phase = ""
        self._since = 0.0
        self._first_step = 0

    def status(self, event: ProgressEvent, now: float) -> tuple[str, int | None]:
        """One line for people on ``event``, and how far the run or its phase is.

        Parameters
        ----------
        event : ProgressEvent
        now : float
            Seconds of a monotonic clock.

        Returns
        -------
        line : str
        percent : int or None
            None means unknown.
        """
        self._whole.hear(event, now)
        if event.phase == PLAN:
            self._has_plan = True
            return self._line, self._percent(event, now)
        if event.phase != self._phase:
            self._phase, self._since, self._first_step = event.phase, now, event.step
        parts = [event.phase[:1].upper() + event.phase[1:]]
        if event.total > 0:
            # In each training step the network sees the whole scan or window: this is an epoch.
            unit = "epoch" if event.loss is not None else "step"
            parts.append(f"{unit} {event.step} of {event.total}")
        left = self._whole.seconds(now) if self._has_plan else self._seconds_left(event, now)
        if left is not None:
            whole = self._has_plan
            parts.append(about_left(left) if whole else f"{duration(left)} left in this part")
        if event.loss is not None:
            parts.append(f"loss {event.loss:.4g}")
        # While a network trains, the message repeats the loss.
        if event.message and event.loss is None:
            parts.append(event.message)
        self._line = " · ".join(parts)
        return self._line, self._percent(event, now)

    def _percent(self, event: ProgressEvent, now: float) -> int | None:
        if self._has_plan:
            share = self._whole.share(now)
            return None if share is None else int(100 * share)
        return min(100, 100 * event.step // event.total) if event.total > 0 else None

    def _seconds_left(self, event: ProgressEvent, now: float) -> float | None:
        done = event.step - self._first_step
        if event.total <= 0 or done < _STEPS_BEFORE_GUESS:
            return None
        left = (now - self._since) / done * (event.total - event.step)
        return left if left >= _WORTH_TELLING else None


def short_time(seconds: float) -> str:
    """How long a run took: "2.4 s", "less than 0.1 s"."""
    return f"{seconds:.1f} s" if seconds >= 0.1 else "less than 0.1 s"


def done_words(result: AnomalyResult, counts: MaskCounts) -> str:
    """How long a run took and what it found."""
    seconds = sum((result.info.timings or {}).values())
    return (
        f"Done in {short_time(seconds)}: {counted(counts.pixels, 'pixel')} in "
        f"{counted(counts.grains, 'grain')} at or above {result.threshold:.2f} background sigmas."
    )
