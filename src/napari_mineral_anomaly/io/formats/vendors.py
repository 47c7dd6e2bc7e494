"""Spectrum images of instrument makers, read through RosettaSciIO: Bruker, JEOL, EDAX.

RosettaSciIO is GPL-3. It is therefore an extra that the user installs, and is imported only when
such a file is opened, in a process of its own: what a damaged file does to it stays there. These
readers are experimental: the makers do not publish their formats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.bare_process import ProcessHungError, call_in_bare_process
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.io.formats.shared.disk.stored_numbers import StoredNumbers
from napari_mineral_anomaly.io.formats.shared.extras import require_extra
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.spectra import axis_or_note
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT
from napari_mineral_anomaly.process import ProcessDiedError
from napari_mineral_anomaly.rosettasciio import DecodedCube, decode
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import checked_beam_kev
from napari_mineral_anomaly.scan.spectra.image import Counts
from napari_mineral_anomaly.scan.spectra.live_time import LiveTime, live_time

_BRUKER_MAGIC = b"AAMVHFSS"
_SPD_MAGIC = b"MAPSPECTRA_DATA"
# tag, version, spectra, points, lines, channels, bytes per count, offset of the data
_SPD_HEADER = struct.Struct("<16s7I")
# A decoder that has not ended after this time never will: a minute, and a second for each 50 kB.
_LEAST_TIME_S, _SLOWEST = 60.0, 50_000


@dataclass(frozen=True)
class _Maker:
    """A maker, the module of RosettaSciIO for its files, and the options for its reader."""

    name: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name} spectrum image"


# index "all": an instrument with two detectors writes two cubes of one scan.
_BRUKER = _Maker(
    "Bruker", "rsciio.bruker", {"select_type": "spectrum_image", "index": "all", "lazy": True}
)
# The default of the library, uint8, cuts off at 255 counts.
_JEOL = _Maker("JEOL", "rsciio.jeol", {"SI_dtype": np.uint32})
_EDAX = _Maker("EDAX", "rsciio.edax", {"lazy": True})


def open_bruker(path: Path) -> SpectrumImage:
    """Open a Bruker spectrum image (`.bcf`).

    The file is decoded as a whole, as the library cannot decode a part of it; whether it fits into
    memory is checked before. Counts of several detectors are summed.

    Raises
    ------
    InputError
        When RosettaSciIO is not installed, when the file is damaged, or when it holds no spectra.
    """
    head = _head(path)
    if not head.startswith(_BRUKER_MAGIC):
        raise InputError(
            f"{path.name} is no {_BRUKER.title}: it does not begin with {_BRUKER_MAGIC!r}."
        )
    return _open(path, _BRUKER)


def open_jeol(path: Path) -> SpectrumImage:
    """Open a JEOL spectrum image (`.pts` or `.asw`); counts of several detectors are summed.

    Raises
    ------
    InputError
        As `open_bruker`; also when numba, which RosettaSciIO needs here, is not installed.
    """
    _head(path)
    return _open(path, _JEOL)


def open_edax(path: Path) -> SpectrumImage:
    """Open an EDAX spectrum image (`.spd`).

    Raises
    ------
    InputError
        As `open_bruker`; also when the file is shorter than its header says, which the library
        does not notice.
    """
    head = _head(path)
    if not head.startswith(_SPD_MAGIC) or len(head) < _SPD_HEADER.size:
        raise InputError(f"{path.name} is no {_EDAX.title}: it does not begin with {_SPD_MAGIC!r}.")
    _, _, _, width, height, channels, count_bytes, offset = _SPD_HEADER.unpack(head)
    needed = offset + width * height * channels * count_bytes
    stamp = FileStamp.of(path)
    if stamp.size < needed:
        raise InputError(
            f"{path.name} is cut short: {height} x {width} spectra of {channels} channels are "
            f"{needed} bytes, the file has {stamp.size}."
        )
    if count_bytes not in (1, 2, 4) or 0 in (height, width, channels):
        raise InputError(f"{path.name} is damaged: its header makes no sense.")
    # The numbers are plain; the library is asked for their description only.
    dtype = np.dtype(f"<u{count_bytes}")
    counts = StoredNumbers(path, dtype, (height, width, channels), offset, stamp)
    return _open(path, _EDAX, counts)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_SPD_HEADER.size)
    if not head:
        raise InputError(f"{path.name} is empty: copy it again from the instrument.")
    return head


def _open(path: Path, maker: _Maker, counts: Counts | None = None) -> SpectrumImage:
    """Decode a file in a process of its own; ``counts`` are those that are read without it."""
    require_extra(path, "rsciio", "RosettaSciIO (GPL-3)", "bcf")
    size = path.stat().st_size
    try:
        with explained(path, maker.title):
            cube = call_in_bare_process(
                decode,
                _LEAST_TIME_S + size / _SLOWEST,
                str(path),
                path.name,
                maker.module,
                maker.options,
                counts=counts is None,
            )
            return _spectrum_image(path, maker.title, cube, counts)
    except InputError as error:
        if isinstance(error.__cause__, ProcessDiedError | ProcessHungError):
            raise InputError(
                f"{path.name} cannot be decoded: RosettaSciIO ended without a result "
                f"({error.__cause__}); the file is damaged, or too large for this computer: copy "
                "it again from the instrument, or export element maps."
            ) from error.__cause__
        raise


def _spectrum_image(
    path: Path, title: str, cube: DecodedCube, counts: Counts | None
) -> SpectrumImage:
    stored: Any = cube.counts if counts is None else counts
    axes = {str(axis["name"]).lower(): axis for axis in cube.axes}
    down, across, channels = cube.axes
    notes = [f"{title}s are read experimentally: compare a map with your instrument's software"]
    lines = [" ".join(line.split()) for line in cube.warnings]
    lines = [line.replace(str(path.parent), "").replace(" /", " ") for line in lines]
    notes += [f"RosettaSciIO: {text.rstrip('.')}" for text in lines]
    if cube.n_detectors > 1:
        notes.append(f"the counts of {cube.n_detectors} detectors are summed")
    energy = axes.get("energy", channels)
    factor = KEV_PER_UNIT.get(str(energy.get("units", "")).lower())
    axis = None
    if factor is not None:
        axis, remarks = axis_or_note(
            energy["offset"] * factor, energy["scale"] * factor, int(channels["size"])
        )
        notes += remarks
    size = length_in_um(
        (float(down.get("scale") or 0), float(across.get("scale") or 0)),
        str(down.get("units") or ""),
        "",
    )
    shape = (int(stored.shape[0]), int(stored.shape[1]))
    beam, live, remarks = _acquisition(cube, shape)
    return SpectrumImage(
        stored,
        axis,
        pixel_size=None if size is None else size.um,
        declared_elements=tuple(
            name for name in cube.metadata["Sample"].get("elements") or () if name in SYMBOLS
        ),
        beam_kev=beam,
        is_monochromatic=False,  # electron microscopes and tubes
        live_time=live,
        source=str(path),
        files=(path.name,),
        notes=(*notes, *remarks),
    )


def _acquisition(
    cube: DecodedCube, shape: tuple[int, int]
) -> tuple[float | None, LiveTime | None, list[str]]:
    """Beam energy in keV and live time; these files give the live time of the whole map."""
    beam, live, notes = None, None, []
    for part in cube.metadata["Acquisition_instrument"].values():
        if not isinstance(part, dict):
            continue
        if _is_positive(part.get("beam_energy")) and beam is None:
            try:
                beam = checked_beam_kev(part["beam_energy"])
            except InputError:
                notes.append(f"the beam energy in the file ({part['beam_energy']:g}) is not used")
        seconds = part.get("Detector", {}).get("EDS", {}).get("live_time")
        if _is_positive(seconds) and live is None:
            n_pixels = shape[0] * shape[1]
            source = f"the live time of the map ({seconds:g} s) / {n_pixels} pixels"
            live, remarks = live_time(seconds / n_pixels, shape, source)
            notes += remarks
    return beam, live, notes


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0
