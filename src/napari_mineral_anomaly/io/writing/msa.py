"""Writes one spectrum as EMSA/MAS text (`.msa`, ISO 22029)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.scan.looking.region import Region
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam

# The standard limits a title to 64 characters, and this makes lines that all readers take.
_LONGEST_TEXT = 64
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, eq=False)
class SavedSpectrum:
    """A spectrum with all that its file says of it.

    Attributes
    ----------
    counts : (E,) float64
    energy : EnergyAxis
    title : str
    beam : Beam or None
        None where nothing is known of it; a beam that was only estimated is a comment.
    live_s : float or None
        Live time of the whole spectrum in seconds.
    comments : sequence of str
    """

    counts: NDArray[np.float64]
    energy: EnergyAxis
    title: str = ""
    beam: Beam | None = None
    live_s: float | None = None
    comments: Sequence[str] = ()


def region_to_save(
    image: SpectrumImage, region: Region, counts: NDArray[np.float64], beam: Beam | None = None
) -> SavedSpectrum:
    """The spectrum of a pixel or region, with the number and the place of its pixels.

    Parameters
    ----------
    image : SpectrumImage
        With an energy calibration.
    region : (y, x) or (H, W) bool
    counts : (E,) float64
        Sum over the region (`region_spectrum`).
    beam : Beam, optional
        See `beam_of`.

    Raises
    ------
    MissingEnergyError
        Without a calibration.
    """
    mask = _mask(region, image.shape)
    live = None if image.live_time is None else image.live_time.total(mask)
    return SavedSpectrum(
        counts,
        image.require_energy(),
        title=Path(image.source).name if image.source else "spectrum",
        beam=beam,
        live_s=live if live is not None and np.isfinite(live) else None,
        comments=(*_place(mask, image.pixel_size), "made by napari-mineral-anomaly"),
    )


def write_msa(
    path: str | Path, spectrum: SavedSpectrum, *, inputs: Iterable[str | Path] = ()
) -> Path:
    """Write a spectrum; the file appears complete or not at all.

    The format is one energy (keV) and its counts per line (DATATYPE XY). SIGNALTYPE is XRF for a
    monochromatic beam and EDS, an energy-dispersive X-ray spectrum, for any other.

    Parameters
    ----------
    path : path
    spectrum : SavedSpectrum
    inputs : paths, optional
        Files that must not be overwritten.

    Raises
    ------
    InputError
        When the file cannot be written there.
    """
    text = "\r\n".join(_lines(spectrum, datetime.now())) + "\r\n"
    with atomic_path(path, inputs=inputs) as temporary:
        temporary.write_bytes(text.encode("ascii", errors="replace"))
    return Path(path)


def _lines(spectrum: SavedSpectrum, now: datetime) -> list[str]:
    energy, beam = spectrum.energy, spectrum.beam
    is_known = beam is not None and beam.source != "spectrum"
    comments = list(spectrum.comments)
    if beam is not None and not is_known:
        comments.append(f"beam about {beam.kev:g} keV, estimated from the spectra")
    head = [
        ("FORMAT", "EMSA/MAS Spectral Data File"),
        ("VERSION", "1.0"),
        ("TITLE", spectrum.title),
        ("DATE", f"{now.day:02d}-{_MONTHS[now.month - 1]}-{now.year}"),
        ("TIME", f"{now:%H:%M}"),
        ("OWNER", ""),
        ("NPOINTS", f"{energy.n_channels}."),
        ("NCOLUMNS", "1."),
        ("XUNITS", "keV"),
        ("YUNITS", "counts"),
        ("DATATYPE", "XY"),
        ("XPERCHAN", f"{energy.gain_kev:.9g}"),
        ("OFFSET", f"{energy.offset_kev:.9g}"),
        ("CHOFFSET", "0."),
        ("SIGNALTYPE", "XRF" if beam is not None and beam.is_monochromatic else "EDS"),
        ("XLABEL", "Energy"),
        ("YLABEL", "X-rays"),
    ]
    if beam is not None and is_known:
        head.append(("BEAMKV   -kV", f"{beam.kev:.6g}"))
    if spectrum.live_s is not None:
        head.append(("LIVETIME  -s", f"{spectrum.live_s:.6g}"))
    head += [("COMMENT", comment) for comment in comments]
    lines = [f"#{key:<12}: {_one_line(value)}" for key, value in head]
    lines.append(f"#{'SPECTRUM':<12}: Spectral Data Starts Here")
    kev = energy.kev
    lines += [f"{x:.6f}, {_count(y)}" for x, y in zip(kev, spectrum.counts, strict=True)]
    return [*lines, f"#{'ENDOFDATA':<12}: "]


def _count(value: float) -> str:
    """Whole counts in full, others with nine digits; always with a decimal point."""
    return f"{value:.0f}." if value == round(value) else f"{value:.9g}"


def _one_line(text: str) -> str:
    # Readers split lines at ": ", and a line break would begin the data.
    return " ".join(text.replace("µ", "u").replace(": ", " ").split())[:_LONGEST_TEXT]


def _mask(region: Region, shape: tuple[int, int]) -> NDArray[np.bool_]:
    if not isinstance(region, tuple):
        return np.asarray(region, dtype=bool)
    mask = np.zeros(shape, dtype=bool)
    mask[region] = True
    return mask


def _place(mask: NDArray[np.bool_], pixel_size: tuple[float, float] | None) -> list[str]:
    """How many pixels and where; rows and columns count from 0, as in the window."""
    ys, xs = np.nonzero(mask)
    pixels = "1 pixel" if ys.size == 1 else f"sum of {ys.size} pixels"
    words = [f"{pixels}, rows {ys.min()} to {ys.max()}, columns {xs.min()} to {xs.max()}"]
    y, x = float(ys.mean()), float(xs.mean())
    words.append(f"centre at row {y:.2f}, column {x:.2f}, counted from 0")
    if pixel_size is not None:
        down, across = y * pixel_size[0], x * pixel_size[1]
        words.append(f"centre {across:.6g} um right, {down:.6g} um down of the first pixel")
    return words
