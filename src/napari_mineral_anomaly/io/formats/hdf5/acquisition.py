"""What an HDF5 file of spectra says of its measurement: beam, live time, elements.

Each program keeps it in a place of its own: XRF-Maps (``MAPS``), PyXRF (``xrfmap``), HyperSpy
(``metadata`` beside ``data``), and NeXus (groups with ``NX_class``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT, as_text
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.beam import checked_beam_kev
from napari_mineral_anomaly.scan.spectra.live_time import LiveTime, live_time

# Process variables of beamlines for the energy behind the monochromator (Kohzu and others), and the
# name of the fitted energy of the elastic peak in MAPS and PyXRF.
_ENERGY_NAMES = ("braggerdbkao", "braggeao", "mono_energy", "coherent_sct_energy")
_LIVE_NAMES = (
    "live_time",
    "livetime",
    "elapsed_live_time",
    "elapsed_livetime",
    "trigger_live_time",
)
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_SECONDS |= {"µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_JOULE_PER_EV = 1.602176634e-19
_KEV_ANGSTROM = 12.398419843
_ANGSTROM = {"": 1.0, "a": 1.0, "å": 1.0, "angstrom": 1.0, "angstroms": 1.0, "nm": 10.0, "m": 1e10}
# Where no unit stands beside a beam energy: larger numbers are eV.
_LARGEST_KEV = 400.0


@dataclass
class Acquisition:
    """What a file says of the measurement; None or empty where it says nothing."""

    beam_kev: float | None = None
    is_monochromatic: bool | None = None
    live_time: LiveTime | None = None
    declared: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def take_beam(self, kev: float | None) -> None:
        """Keep a beam energy if it is plausible, else a note."""
        if kev is None or self.beam_kev is not None:
            return
        try:
            self.beam_kev = round(checked_beam_kev(kev), 6)
        except InputError as error:
            self.notes.append(
                f"the beam energy in the file is not used: {str(error).split(':')[0]}"
            )

    def take_live_time(self, seconds: Any, shape: tuple[int, int], source: str) -> None:
        """Keep a live time if it fits the scan, else a note."""
        if self.live_time is None:
            self.live_time, notes = live_time(seconds, shape, source)
            self.notes += notes


def acquisition(file: Any, dataset: str, shape: tuple[int, int]) -> Acquisition:
    """Read what a file says of the measurement behind one dataset of spectra.

    Parameters
    ----------
    file : h5py.File
    dataset : str
        Path of the spectra.
    shape : (int, int)
        (H, W) of the scan.
    """
    found = Acquisition()
    path = dataset.strip("/")
    group = _item(file, path.rpartition("/")[0]) or file
    if path.startswith("MAPS/"):
        _of_xrf_maps(file, group, shape, found)
    elif path.startswith("xrfmap/"):
        # PyXRF is made at a synchrotron, for monochromatic beams.
        found.is_monochromatic = True
        described = _item(file, "xrfmap/scan_metadata")
        if described is not None:
            kev = _number(described.attrs.get("instrument_mono_incident_energy"))
            found.take_beam(_kev(kev, "", found))
    elif _item(group, "metadata") is not None:
        _of_hyperspy(_item(group, "metadata"), shape, found)
    else:
        _of_nexus(file, path, shape, found)
    return found


def _of_xrf_maps(file: Any, group: Any, shape: tuple[int, int], found: Acquisition) -> None:
    found.is_monochromatic = True  # as PyXRF
    live = _item(group, "Elapsed_Livetime")
    if live is not None and hasattr(live, "shape"):
        found.take_live_time(live[()], shape, "Elapsed_Livetime in the file")
    for names, values, units in _process_variables(_item(file, "MAPS")):
        for name, value, unit in zip(names, values, units, strict=False):
            if name.split(":")[-1].lower().removesuffix(".val") in _ENERGY_NAMES:
                found.take_beam(_kev(_number(value), unit, found))


def _process_variables(maps: Any) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Names, values and units of the values that were recorded beside a scan."""
    old = _item(maps, "extra_pvs")
    if old is not None and getattr(old, "ndim", 0) == 2 and old.shape[0] >= 2:
        rows = [[as_text(text) for text in row] for row in old[()]]
        yield rows[0], rows[1], rows[3] if len(rows) > 3 else [""] * len(rows[0])
    groups: list[Any] = []
    maps.visititems(lambda _, item: groups.append(item) if hasattr(item, "keys") else None)
    for group in groups:
        names, values = _item(group, "Names"), _item(group, "Values")
        if names is None or values is None or names.shape != values.shape or names.ndim != 1:
            continue
        units = _item(group, "Unit")
        if units is None:
            units = _item(group, "Units")
        texts = [] if units is None or units.shape != names.shape else _texts(units)
        yield _texts(names), _texts(values), texts or [""] * names.size


def _of_hyperspy(metadata: Any, shape: tuple[int, int], found: Acquisition) -> None:
    """``metadata`` of HyperSpy: lists are datasets ``_list_NAME`` or, long ago, attributes."""
    sample = _item(metadata, "Sample")
    if sample is not None:
        names = _list(sample, "elements") or [
            line.partition("_")[0] for line in _list(sample, "xray_lines")
        ]
        found.declared = tuple(dict.fromkeys(name for name in names if name in SYMBOLS))
    places = _item(metadata, "Acquisition_instrument") or metadata  # before metadata version 1.2
    for name in places:
        instrument = _item(places, name)
        if instrument is None or not hasattr(instrument, "keys"):
            continue
        # HyperSpy keeps keV, also for photons: nothing says whether they have one energy.
        found.take_beam(_number(_value(instrument, "beam_energy")))
        for place in ("Detector/EDS", "EDS", "Detector/XRF"):
            detector = _item(instrument, place)
            seconds = None if detector is None else _value(detector, "live_time")
            if seconds is not None:
                source = f"live_time of the detector in the metadata of {name}, for each pixel"
                found.take_live_time(seconds, shape, source)


def _of_nexus(file: Any, path: str, shape: tuple[int, int], found: Acquisition) -> None:
    entry = _entry(file, path)
    groups: list[Any] = []
    entry.visititems(lambda _, item: groups.append(item) if hasattr(item, "keys") else None)
    by_class: dict[str, list[Any]] = {}
    for group in groups:
        by_class.setdefault(as_text(group.attrs.get("NX_class")), []).append(group)
    for source in by_class.get("NXsource", []):
        kind = as_text(_value(source, "type")).lower()
        if "synchrotron" in kind:
            found.is_monochromatic = True
        elif "tube" in kind or "anode" in kind or "electron" in kind:
            found.is_monochromatic = False
    for mono in by_class.get("NXmonochromator", []):
        before = found.beam_kev
        _take_energy(mono, "energy", "wavelength", found)
        if found.beam_kev != before:
            found.is_monochromatic = True
    for beam in by_class.get("NXbeam", []):
        _take_energy(beam, "incident_energy", "incident_wavelength", found)
    data = _item(file, path)
    detectors = by_class.get("NXdetector", [])
    own = [one for one in detectors if any(_item(one, key) == data for key in one)]
    if not own and len(detectors) == 1:
        own = detectors
    parent = _item(file, path.rpartition("/")[0])
    for group in (parent, *own):
        for name in () if group is None else group:
            item = _item(group, name)
            if name.lower() in _LIVE_NAMES and hasattr(item, "shape"):
                factor = _SECONDS.get(as_text(item.attrs.get("units")).strip().lower())
                if factor is None or item.dtype.kind not in "uif":
                    found.notes.append(f"the live time ({name}) is not used: its unit is unknown")
                    continue
                found.take_live_time(item[()] * factor, shape, f"{name} in the file")


def _take_energy(group: Any, energy: str, wavelength: str, found: Acquisition) -> None:
    item = _item(group, energy)
    if item is not None and hasattr(item, "shape"):
        value = _one_value(item, energy, found)
        found.take_beam(_kev(value, as_text(item.attrs.get("units")), found))
        return
    item = _item(group, wavelength)
    if item is not None and hasattr(item, "shape"):
        value = _one_value(item, wavelength, found)
        factor = _ANGSTROM.get(as_text(item.attrs.get("units")).strip().lower())
        if value and factor:
            found.take_beam(_KEV_ANGSTROM / (value * factor))


def _one_value(item: Any, name: str, found: Acquisition) -> float | None:
    """The number of a dataset; None, and a note, where it holds several that differ."""
    values = np.ravel(item[()]) if item.dtype.kind in "uif" and item.size else np.zeros(0)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    if float(np.ptp(values)) > 0.01 * abs(float(np.median(values))):
        found.notes.append(f"the beam energy ({name}) is not used: it changes during the scan")
        return None
    return float(np.median(values))


def _kev(value: float | None, unit: str, found: Acquisition) -> float | None:
    if value is None:
        return None
    unit = unit.strip().lower()
    if unit in ("j", "joule"):
        return value / _JOULE_PER_EV / 1000.0
    if unit in KEV_PER_UNIT:
        return value * KEV_PER_UNIT[unit]
    if unit:
        found.notes.append(f"the beam energy in the file is not used: its unit is {unit}")
        return None
    if value > _LARGEST_KEV:
        found.notes.append(f"the beam energy in the file has no unit: {value:g} is taken for eV")
        return value / 1000.0
    return value


def _entry(file: Any, path: str) -> Any:
    """The measurement (NXentry) that holds a dataset; the whole file where there is none."""
    parts = path.split("/")
    for n in range(1, len(parts)):
        group = _item(file, "/".join(parts[:n]))
        if group is not None and as_text(group.attrs.get("NX_class")) == "NXentry":
            return group
    return file


def _item(group: Any, path: str) -> Any:
    """A group or dataset of the same file; None for none, and for links to other files."""
    import h5py

    for part in path.split("/") if path else ():
        if not isinstance(group, h5py.Group):
            return None
        link = group.get(part, getlink=True)
        if link is None or isinstance(link, h5py.ExternalLink):
            return None
        group = group.get(part)
    return group


def _value(group: Any, name: str) -> Any:
    """An attribute or dataset of a group."""
    if name in group.attrs:
        return group.attrs[name]
    item = _item(group, name)
    return item[()] if item is not None and hasattr(item, "shape") else None


def _list(group: Any, name: str) -> list[str]:
    """A list of texts as HyperSpy writes it, in any of its versions."""
    for key in (f"_list_{name}", f"_tuple_{name}", name):
        item = _item(group, key)
        if item is not None and hasattr(item, "shape"):
            return _texts(item)
        if key in group.attrs:
            return [as_text(text) for text in np.ravel(group.attrs[key])]
    return []


def _texts(item: Any) -> list[str]:
    return [as_text(text) for text in np.ravel(item[()])]


def _number(value: Any) -> float | None:
    """A number from an attribute, a dataset or a text; None for anything else."""
    try:
        number = float(as_text(value) if isinstance(value, bytes | np.ndarray) else value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
