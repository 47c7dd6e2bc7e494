"""How a map is coloured, as plain values: a picture can be planned without matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
