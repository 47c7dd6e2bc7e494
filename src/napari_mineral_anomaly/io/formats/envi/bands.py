"""What the bands of an ENVI image are: element maps, wavelengths of light, or X-ray energies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.fields import listed_field, numbers_in
from napari_mineral_anomaly.io.formats.shared.axes import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.map_names import parse_names

# Units of light: how many nm, or the unit as it is written behind the number.
_NM_PER_UNIT = {
    **dict.fromkeys(("nanometers", "nanometer", "nanometres", "nanometre", "nm"), 1.0),
    **dict.fromkeys(("micrometers", "micrometer", "micrometres", "micrometre"), 1e3),
    **dict.fromkeys(("microns", "micron", "um", "µm", "μm"), 1e3),
    **dict.fromkeys(("angstroms", "angstrom", "å"), 0.1),
    **dict.fromkeys(("millimeters", "millimeter", "mm"), 1e6),
    **dict.fromkeys(("centimeters", "centimeter", "cm"), 1e7),
    **dict.fromkeys(("meters", "meter", "m"), 1e9),
}
_OTHER_LIGHT = {
    **dict.fromkeys(("wavenumber", "wavenumbers", "cm-1", "1/cm", "cm^-1"), "cm⁻¹"),
    **dict.fromkeys(("ghz", "gigahertz"), "GHz"),
    **dict.fromkeys(("mhz", "megahertz"), "MHz"),
}
# Wavelengths of imaging spectroscopy in nm: where a header gives no unit. X-ray energies in eV or
# keV begin lower.
_USUAL_NM = (200.0, 20_000.0)
_USUAL_UM = (0.3, 16.0)


@dataclass(frozen=True)
class Bands:
    """The bands of an image.

    Attributes
    ----------
    names : tuple of str
        Of all bands; () where the header has none.
    kept : tuple of int
        Positions of the bands that are used, from 0.
    quantity : str or None
    is_spectra : bool
        Whether each pixel holds an X-ray spectrum.
    notes, steps : tuples of str
    """

    names: tuple[str, ...]
    kept: tuple[int, ...]
    quantity: Quantity | None = None
    is_spectra: bool = False
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def bands_of(path: Path, fields: Mapping[str, str], n_bands: int) -> Bands:
    """Decide what the bands are.

    Names of elements come first. Wavelengths in a unit of light then make bands of light, called
    by them ("650 nm"). Energies, and more than 64 bands without anything, are spectra.

    Raises
    ------
    InputError
        When the header names more or fewer bands than it declares.
    """
    names = tuple(listed_field(fields, "band names"))
    if names and len(names) != n_bands:
        raise InputError(
            f"{path.name} is damaged: it declares {n_bands} bands but names {len(names)}."
        )
    elements = sum(entry.role == "element" for entry in parse_names(names))
    light, notes = _light(path, fields, n_bands)
    kept, steps = _kept(path, fields, n_bands, names or light, notes)
    if elements and (not light or elements == n_bands):
        return Bands(names, kept, notes=tuple(notes), steps=tuple(steps))
    unit = _unit(fields)
    is_light = unit in _NM_PER_UNIT or unit in _OTHER_LIGHT
    if light or is_light:
        if light:
            given = f", in {fields['wavelength units']} in the header" if is_light else ""
            steps.insert(0, f"bands are called by their wavelengths{given}")
        quantity: Quantity = "unknown" if _says_radiance(fields) else "reflectance"
        called = _unique(light) or names
        return Bands(called, kept, quantity, notes=tuple(notes), steps=tuple(steps))
    if unit in KEV_PER_UNIT or n_bands > MOST_UNNAMED_CHANNELS:
        return Bands(names, kept, is_spectra=True)
    steps.append("neither elements nor wavelengths in the header: what the bands are is unknown")
    return Bands(names, kept, "unknown", notes=tuple(notes), steps=tuple(steps))


def _unit(fields: Mapping[str, str]) -> str:
    return fields.get("wavelength units", "").strip("{} ").lower()


def _light(path: Path, fields: Mapping[str, str], n_bands: int) -> tuple[list[str], list[str]]:
    """The wavelengths of the bands as words, [] where they have none; and notes."""
    unit = _unit(fields)
    if unit in KEV_PER_UNIT or not listed_field(fields, "wavelength"):
        return [], []
    try:
        values = numbers_in(path, fields, "wavelength", n_bands)
    except InputError as error:
        return [], [f"the wavelengths are not used: {str(error).rstrip('.')}"]
    if unit in _OTHER_LIGHT:
        return [f"{value:.6g} {_OTHER_LIGHT[unit]}" for value in values], []
    if unit in _NM_PER_UNIT:
        return [f"{value * _NM_PER_UNIT[unit]:.6g} nm" for value in values], []
    if unit == "index" or _are_numbers(values):
        return [], []  # numbers of the bands
    given = f"the header gives no unit of its wavelengths ({values[0]:g} to {values[-1]:g})"
    for (low, high), factor, name in (
        (_USUAL_NM, 1, "Nanometers"),
        (_USUAL_UM, 1e3, "Micrometers"),
    ):
        if all(low <= value <= high for value in values):
            note = f"{given}: they are taken for {name}; if not, write wavelength units = ... there"
            return [f"{value * factor:.6g} nm" for value in values], [note]
    return [], [f"{given}: they are not used; write wavelength units = ... there"]


def _are_numbers(values: Sequence[float]) -> bool:
    """Whether a list only counts the bands, from 0 or from 1."""
    return any(list(values) == [i + first for i in range(len(values))] for first in (0, 1))


def _kept(
    path: Path, fields: Mapping[str, str], n_bands: int, names: Sequence[str], notes: list[str]
) -> tuple[tuple[int, ...], list[str]]:
    """The bands that the header does not call bad (field ``bbl``), and a sentence on the others."""
    try:
        marks = numbers_in(path, fields, "bbl", n_bands)
    except InputError as error:
        notes.append(f"the list of bad bands is not used: {str(error).rstrip('.')}")
        marks = []
    bad = [i for i, mark in enumerate(marks) if mark == 0]
    if not bad or len(bad) == n_bands:
        return tuple(range(n_bands)), []
    called = [names[i] if names else f"band {i + 1}" for i in bad]
    many = "bands are" if len(bad) > 1 else "band is"
    sentence = f"{len(bad)} {many} left out, marked as bad in the header (bbl): {', '.join(called)}"
    return tuple(i for i in range(n_bands) if i not in set(bad)), [sentence]


def _says_radiance(fields: Mapping[str, str]) -> bool:
    words = " ".join(fields.get(key, "") for key in ("z plot titles", "data units")).lower()
    return "radiance" in words


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with the number of the band where two sensors share a wavelength."""
    counts = Counter(names)
    return tuple(
        name if counts[name] == 1 else f"{name} (band {i})" for i, name in enumerate(names, start=1)
    )
