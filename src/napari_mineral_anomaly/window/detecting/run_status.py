"""What a run is doing, in one line: phase, step, time left and loss."""

from __future__ import annotations

from napari_mineral_anomaly.progress import ProgressEvent

# With fewer steps the estimate of the remaining time jumps too much.
_STEPS_BEFORE_GUESS = 3


class RunClock:
    """Makes the status of one run from its events; the time is counted from the phase's start."""

    def __init__(self) -> None:
        self._phase = ""
        self._since = 0.0
        self._first_step = 0

    def status(self, event: ProgressEvent, now: float) -> tuple[str, int | None]:
        """One line for people on ``event``, and how far the phase is.

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
        if event.phase != self._phase:
            self._phase, self._since, self._first_step = event.phase, now, event.step
        parts = [event.phase[:1].upper() + event.phase[1:]]
        percent = None
        if event.total > 0:
            # In each training step the network sees the whole scan or window: this is an epoch.
            unit = "epoch" if event.loss is not None else "step"
            parts.append(f"{unit} {event.step} of {event.total}")
            percent = min(100, 100 * event.step // event.total)
        left = self._seconds_left(event, now)
        if left is not None:
            # A run has several phases, and a network two stages: how long the later ones take is
            # not known yet.
            parts.append(f"{duration(left)} left in this part")
        if event.loss is not None:
            parts.append(f"loss {event.loss:.4g}")
        # While a network trains, the message repeats the loss.
        if event.message and event.loss is None:
            parts.append(event.message)
        return " · ".join(parts), percent

    def _seconds_left(self, event: ProgressEvent, now: float) -> float | None:
        done = event.step - self._first_step
        if event.total <= 0 or done < _STEPS_BEFORE_GUESS:
            return None
        return (now - self._since) / done * (event.total - event.step)


def duration(seconds: float) -> str:
    """A duration as people say it: "8 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
