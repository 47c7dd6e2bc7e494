"""Whether a length that someone typed can be the size of a pixel or of a beam, in µm.

A step of 20 µm typed in metres (2e-5) or in nanometres (20000) makes every area and distance of a
run wrong, and none of the numbers looks odd by itself. So it is refused before the run, with the
value that was likely meant.
"""

from __future__ import annotations

import math

from napari_mineral_anomaly.errors import InputError

# From electron microscopes to core scanners of metres; our choice.
SMALLEST_UM, LARGEST_UM = 0.001, 2000.0
# Below this, a step typed in mm is likelier than one in µm on instruments for element maps.
_DOUBTFUL_UM = 0.05
# Steps and beams of nearly all instruments for element maps.
_USUAL_UM = (0.05, 1000.0)
_UNITS = (("m", 1e6), ("mm", 1e3), ("nm", 1e-3))


def require_plausible_length(size_um: float, what: str) -> float:
    """A typed length in µm, if it can be one.

    Parameters
    ----------
    size_um : float
    what : str
        "pixel size" or "spot size", for the sentence.

    Raises
    ------
    InputError
        When it is no positive number, or none between 1 nm and 2 mm. The sentence names the value
        that was likely meant.
    """
    try:
        size = float(size_um)
    except (TypeError, ValueError):
        size = math.nan
    if not (math.isfinite(size) and size > 0):
        raise InputError(f"The {what} must be a positive number in µm; got {size_um}.")
    if SMALLEST_UM <= size <= LARGEST_UM:
        return size
    is_small = size < SMALLEST_UM
    extent = "too small" if is_small else "too large"
    meant = _likely_meant(size)
    advice = "give it in µm"
    if meant:
        values = " or ".join(f"{um:g} µm ({size:g} {unit})" for um, unit in meant)
        advice = f"did you mean {values}? Type {' or '.join(f'{um:g}' for um, _ in meant)}"
    raise InputError(
        f"The {what} {size:g} µm is {_in_words(size)}, {extent} for a map of elements: {advice}."
    )


def doubt_of_length(size_um: float, what: str) -> str:
    """A sentence about a length that is possible but rarely meant; "" for a usual one."""
    if size_um >= _DOUBTFUL_UM:
        return ""
    return (
        f"The {what} typed by the user is {size_um:g} µm ({_in_words(size_um)}); if {size_um:g} mm "
        f"was meant, type {1000 * size_um:g}."
    )


def _likely_meant(size: float) -> list[tuple[float, str]]:
    """Values in µm with the unit in which each was likely typed; the usual ones where there are."""
    values = [(float(f"{size * factor:.9g}"), unit) for unit, factor in _UNITS]
    for low, high in (_USUAL_UM, (SMALLEST_UM, LARGEST_UM)):
        if found := [(um, unit) for um, unit in values if low <= um <= high]:
            return found
    return []


def _in_words(size_um: float) -> str:
    """The length in the unit in which it is between 1 and 1000, or nearest to that."""
    for unit, factor in (("km", 1e-9), ("m", 1e-6), ("mm", 1e-3), ("µm", 1.0), ("nm", 1e3)):
        if size_um * factor >= 1:
            return f"{size_um * factor:.4g} {unit}"
    return f"{size_um * 1e3:.4g} nm"
