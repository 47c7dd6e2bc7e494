"""How a map is coloured, as plain values: a picture can be planned without matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The colours of a score always span 0 to this many thresholds. So the same colour means the same
# oddness on every section (the score is in background sigmas), and a barren section looks barren.
COLOUR_SPAN = 3.0

# Colours of a score from 0 to `COLOUR_SPAN` thresholds, as (place, colour). The background is slate
# and shows on black and on white; the hue changes at the threshold; the lightness rises all the
# way, so that the order can be seen without the hue.
SCORE_STOPS = (
    (0.0, "#3f4a5c"),
    (0.32, "#76879f"),
    (0.34, "#e2662f"),
    (0.6, "#f5a93b"),
    (1.0, "#fff3b8"),
)
SCORE_COLOURS = "anomaly score"
# Where there is no number.
OUTSIDE_COLOUR = "#8c8c8c"


@dataclass(frozen=True)
class MapStyle:
    """How maps are coloured.

    Attributes
    ----------
    kind : str
        "sequential" (element maps), "score" (0 to three thresholds, so that a barren section
        looks barren), "signed" (blue below zero, red above) or "classes" (whole numbers).
    unit : str
        Written beside the colour bar.
    threshold : float, optional
        For scores.
    classes : tuple of (int, str)
        For classes: the words of the legend; other classes show their number.
    """

    kind: Literal["sequential", "score", "signed", "classes"] = "sequential"
    unit: str = ""
    threshold: float | None = None
    classes: tuple[tuple[int, str], ...] = ()
