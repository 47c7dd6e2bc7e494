"""What excited a spectrum, where the file does not say all of it: told by the sum spectrum."""

from __future__ import annotations

import numpy as np

from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.spectra.beam import Beam, BeamSource
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.image import SpectrumImage
from napari_mineral_anomaly.scan.spectra.lines import beam_or_default
from napari_mineral_anomaly.scan.spectra.peak_model import LOWEST_KEV, Floats
from napari_mineral_anomaly.scan.spectra.scatter import find_elastic_peak


def beam_of(image: SpectrumImage, task: Task = SILENT) -> Beam:
    """The beam of a spectrum image, from what is known of it and from its sum spectrum.

    Raises
    ------
    MissingEnergyError
        Without a calibration.
    CancelledError
    """
    energy = image.require_energy()
    return find_beam(
        image.sum_spectrum(task), energy, image.beam_kev, image.is_monochromatic, image.beam_source
    )


def find_beam(
    spectrum: Floats,
    energy: EnergyAxis,
    kev: float | None = None,
    is_monochromatic: bool | None = None,
    source: BeamSource = "file",
) -> Beam:
    """The beam behind a sum spectrum (E,).

    Parameters
    ----------
    spectrum : (E,) float64
    energy : EnergyAxis
    kev : float, optional
        Its energy or voltage; default: where the elastic peak stands, or the end of the continuum
        (`beam_from_spectrum`).
    is_monochromatic : bool, optional
        Whether it has one energy; default: whether the spectrum has an elastic peak
        (`find_elastic_peak`).
    source : {"file", "typed", "spectrum"}
        Where ``kev`` is from.
    """
    if kev is not None:
        if is_monochromatic is None:
            is_monochromatic = find_elastic_peak(spectrum, energy, kev) is not None
        return Beam(float(kev), is_monochromatic, source)
    elastic = None if is_monochromatic is False else find_elastic_peak(spectrum, energy)
    if elastic is not None:
        return Beam(round(elastic, 2), True, "spectrum")
    return Beam(beam_from_spectrum(spectrum, energy), bool(is_monochromatic), "spectrum")


def beam_from_spectrum(spectrum: Floats, energy: EnergyAxis) -> float:
    """Tube or beam voltage (kV) from the end of the continuum.

    The Duane-Hunt law: no photon has more energy than the tube voltage gives. The end is the energy
    below which all but five in a million counts lie (sum peaks and cosmic rays lie above); at most
    50 kV.
    """
    counts = np.where(energy.kev > LOWEST_KEV, np.maximum(spectrum, 0.0), 0.0)
    above = np.cumsum(counts[::-1])[::-1]
    inside = np.flatnonzero(above > 5e-6 * max(float(counts.sum()), 1.0))
    if inside.size == 0:
        return beam_or_default(energy, None).kev
    end = float(energy.channels_to_kev(inside[-1]))
    return float(min(max(np.ceil(end), 1.0), beam_or_default(energy, None).kev))
