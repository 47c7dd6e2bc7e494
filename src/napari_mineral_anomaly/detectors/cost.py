"""Rough running times of slow detectors, and the sentence that warns of a long run.

The config of each slow detector estimates its own time (`DetectorConfig.expected_seconds`): a
formula of the work per pixel, with constants measured on one CPU core by
`benchmarks/detector_costs.py`. Computers differ by a factor of two or three, so the truth may
differ from an estimate by as much.
"""

from __future__ import annotations

from dataclasses import dataclass

# Seconds; a shorter run needs no warning.
WORTH_A_WARNING = 60.0


@dataclass(frozen=True)
class ExpectedSeconds:
    """Rough seconds of fit and of score on one CPU core."""

    fit: float
    score: float

    @property
    def total(self) -> float:
        """Fit and score together."""
        return self.fit + self.score


def slow_sentence(name: str, seconds: float, n_pixels: int) -> str:
    """One sentence for a run that takes long; empty for one that does not.

    Parameters
    ----------
    name : str
        Name of the detector for people.
    seconds : float
        From `DetectorConfig.expected_seconds`.
    n_pixels : int
    """
    if seconds < WORTH_A_WARNING:
        return ""
    return (
        f"{name} may take about {about(seconds)} on this scan of {n_pixels:,} pixels "
        "(rough figure for one CPU core)."
    )


def about(seconds: float) -> str:
    """A rough duration in words: "2 minutes", "3 hours", "2 days"."""
    for size, unit in ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")):
        if seconds >= 1.5 * size or unit == "minute":
            n = max(1, round(seconds / size))
            return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
    raise AssertionError("the minutes take everything")
