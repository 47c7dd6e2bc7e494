"""Progress on stderr: a bar on a terminal, a line every `SECONDS_BETWEEN_LINES` in a log."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from tqdm import tqdm

from napari_mineral_anomaly.cli.console import give_up, say
from napari_mineral_anomaly.progress import NOTE, PLAN, ProgressEvent
from napari_mineral_anomaly.time_left import TimeLeft, about_left, duration

SECONDS_BETWEEN_LINES = 20.0

# Reading takes only seconds, and in a log an error of the reader should be the only line.
_SILENT_IN_LOGS = {"opening", "reading"}


class ProgressPrinter:
    """Shows `ProgressEvent`s; a context manager that removes the bar at its end.

    Parameters
    ----------
    stream : text stream, optional
        Default: stderr.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar: tqdm[Any] | None = None
        self._phase = ""
        self._first_seen: dict[str, float] = {}
        self._last_line = 0.0
        self._whole = TimeLeft()
        self._has_plan = False
        self._is_lost = False

    def __enter__(self) -> ProgressPrinter:
        return self

    def __exit__(self, *error: object) -> None:
        self._close_bar()

    def __call__(self, event: ProgressEvent) -> None:
        """Show one event; where the reader of the stream has gone, nothing more is shown."""
        if self._is_lost:
            return
        if event.phase == NOTE:
            self._close_bar()
            say(f"Note: {event.message}")
            return
        now = time.monotonic()
        self._whole.hear(event, now)
        if event.phase == PLAN:
            self._has_plan = True
            return
        try:
            if self._stream.isatty():
                self._show_bar(event, now)
            elif event.phase not in _SILENT_IN_LOGS:
                self._print_line(event, now)
        except (OSError, ValueError):
            self._is_lost = True
            self._bar = None
            give_up(self._stream)

    def _show_bar(self, event: ProgressEvent, now: float) -> None:
        bar = self._bar
        if bar is None or event.phase != self._phase:
            self._close_bar()
            self._phase = event.phase
            bar = self._bar = tqdm(
                total=event.total or None,
                # Phases alternate (training, pseudo-labels), so a bar may begin in the middle.
                initial=max(event.step - 1, 0),
                desc=event.phase,
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
            )
        remarks = (_remark(event), self._left_of_run(now))
        bar.set_postfix_str(", ".join(filter(None, remarks)), refresh=False)
        bar.total = event.total or None
        bar.update(event.step - bar.n)

    def _print_line(self, event: ProgressEvent, now: float) -> None:
        is_new = event.phase not in self._first_seen
        if not is_new and now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        elapsed = now - self._first_seen.setdefault(event.phase, now)
        self._last_line = now
        of_total = f" {event.step}/{event.total}" if event.total else ""
        parts = [f"{event.phase}{of_total}", _remark(event)]
        if self._has_plan:
            parts.append(self._left_of_run(now))
        elif event.total > event.step > 0 and not is_new:
            left = elapsed / event.step * (event.total - event.step)
            parts.append(f"about {duration(left)} left in this part")
        print(", ".join(part for part in parts if part), file=self._stream, flush=True)

    def _left_of_run(self, now: float) -> str:
        """What is left of a run that told its plan."""
        left = self._whole.seconds(now)
        return "" if left is None else about_left(left)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _remark(event: ProgressEvent) -> str:
    return event.message if event.loss is None else f"loss {event.loss:.4g}"
