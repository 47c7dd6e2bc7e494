"""How a map is coloured: plain values, so that who plans a picture need not load matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Look:
    """How maps are coloured.

    Attributes
    ----------
    kind : str
        "sequential" (element maps), "score" (0 to three thresholds, so that a barren section
        looks barren), "signed" (blue below, red above zero) or "classes" (whole numbers).
    unit : str
        Written beside the colour bar.
    threshold : float, optional
        For scores.
    classes : dict of int to str
        For classes: the words of the legend; others are numbered.
    """

    kind: Literal["sequential", "score", "signed", "classes"] = "sequential"
    unit: str = ""
    threshold: float | None = None
    classes: tuple[tuple[int, str], ...] = ()
