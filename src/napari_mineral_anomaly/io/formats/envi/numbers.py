"""What an ENVI header declares about the numbers: missing ones, gains, offsets, reflectance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.fields import numbers_in
from napari_mineral_anomaly.io.formats.shared.steps import Missing, Scale, Step

_FACTOR = "reflectance scale factor"
_Scales = list[tuple[float, float]]


@dataclass(frozen=True)
class BandNumbers:
    """The steps of each band, in the order of the file.

    Attributes
    ----------
    steps : tuple of tuples of Step
    is_reflectance : bool
        Whether the header says how the numbers become reflectance.
    notes : tuple of str
    """

    steps: tuple[tuple[Step, ...], ...]
    is_reflectance: bool
    notes: tuple[str, ...] = ()


def band_numbers(path: Path, fields: Mapping[str, str], n_bands: int) -> BandNumbers:
    """The declarations of a header as steps.

    ``data ignore value`` is missing. Of the scales one is used, because each turns the same stored
    numbers into something else: ``data reflectance gain values`` with their offsets, else
    ``reflectance scale factor`` (by which the numbers are divided), else ``data gain values`` with
    their offsets.

    Raises
    ------
    InputError
        When a scale is no number, or given for another number of bands.
    """
    notes: list[str] = []
    missing = [Missing((n,), "data ignore value in the header") for n in _missing(fields, notes)]
    scales: dict[str, _Scales] = {}
    for kind in ("reflectance ", ""):
        gains, offsets = f"data {kind}gain values", f"data {kind}offset values"
        factors = numbers_in(path, fields, gains, n_bands)
        shifts = numbers_in(path, fields, offsets, n_bands)
        if factors or shifts:
            pairs = zip(factors or [1.0] * n_bands, shifts or [0.0] * n_bands, strict=True)
            words = gains if not any(shifts) else offsets if not factors else f"{gains} and offsets"
            scales[words] = list(pairs)
        if kind and _FACTOR in fields:
            divisor = numbers_in(path, fields, _FACTOR, 1)
            if not divisor or divisor[0] == 0 or not math.isfinite(divisor[0]):
                raise InputError(
                    f"{path.name} says {_FACTOR} {fields[_FACTOR] or '(nothing)'}: it must be a "
                    "number other than 0; correct or delete that line."
                )
            scales[_FACTOR] = [(1 / divisor[0], 0.0)] * n_bands
    if any(not math.isfinite(x) for pairs in scales.values() for pair in pairs for x in pair):
        raise InputError(f"{path.name} has a gain or offset that is not finite: correct it.")
    changing = {words: pairs for words, pairs in scales.items() if set(pairs) != {(1.0, 0.0)}}
    used = next(iter(changing), None)
    notes += [
        f"{words} in the header: not applied, because {used} is used instead"
        for words in changing
        if words != used
    ]
    steps = []
    for band in range(n_bands):
        found: list[Step] = list(missing)
        if used is not None:
            factor, offset = changing[used][band]
            found.append(Scale(factor, offset, f"{used} in the header"))
        steps.append(tuple(found))
    return BandNumbers(tuple(steps), any("reflectance" in words for words in scales), tuple(notes))


def _missing(fields: Mapping[str, str], notes: list[str]) -> list[float]:
    text = fields.get("data ignore value", "").strip("{} ")
    if not text:
        return []
    try:
        return [float(text)]
    except ValueError:
        notes.append(f"data ignore value {text} in the header is no number: it is not used")
        return []
