"""Colours of our plots and tables for napari's dark and light themes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The hues of the series are the same in both themes, so that figures look alike.
DARK = "dark"


@dataclass(frozen=True)
class Inks:
    """Colours of one theme, as "#rrggbb".

    Attributes
    ----------
    text, faint : str
        Axes, labels and values; secondary lines.
    grain, ring, scan : str
        The grain, its surroundings, the whole scan.
    over, under : str
        More and less than expected.
    good, bad : str
        Wanted and unwanted.
    """

    text: str
    faint: str
    grain: str
    ring: str
    scan: str
    over: str
    under: str
    good: str
    bad: str


_ON_DARK = Inks(
    text="#d6d8dc",
    faint="#7c818b",
    grain="#ffb74d",
    ring="#4fc3f7",
    scan="#9aa0aa",
    over="#ff8a65",
    under="#64b5f6",
    good="#81c784",
    bad="#ef7b72",
)

_ON_LIGHT = Inks(
    text="#2b2d31",
    faint="#74777d",
    grain="#b45f06",
    ring="#0277a8",
    scan="#55585e",
    over="#c8431a",
    under="#1a63b0",
    good="#2e7d32",
    bad="#b3261e",
)


def inks_of(viewer: Any) -> Inks:
    """The colours for the theme of ``viewer``, chosen by the brightness of its background."""
    from napari.utils.theme import get_theme

    theme = get_theme(str(getattr(viewer, "theme", DARK)))
    red, green, blue = theme.background.as_rgb_tuple()[:3]
    return _ON_DARK if red + green + blue < 3 * 128 else _ON_LIGHT
