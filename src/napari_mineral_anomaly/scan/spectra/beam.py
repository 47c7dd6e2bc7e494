"""`Beam`: what excites the lines of a spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, isfinite, radians
from typing import Literal

from napari_mineral_anomaly.errors import InputError

# Softer beams excite no line that a silicon detector maps; harder ones are no tube, no electron
# microscope and no beamline for fluorescence.
_LOWEST_KEV, _HIGHEST_KEV = 1.0, 400.0
_ELECTRON_KEV = 510.999  # rest energy of an electron

BeamSource = Literal["file", "typed", "spectrum"]


@dataclass(frozen=True)
class Beam:
    """The radiation that excites the lines.

    Attributes
    ----------
    kev : float
        Voltage of a tube or of an electron beam in kV, or the energy of the photons in keV where
        the beam is monochromatic.
    is_monochromatic : bool
        Whether the beam is photons of one energy, as behind the monochromator of a synchrotron.
        Such a beam ionises every shell whose edge lies below it. A tube or an electron beam ionises
        a shell well only from 1.4 times its edge on.
    source : {"file", "typed", "spectrum"}
        Where ``kev`` is from.
    """

    kev: float
    is_monochromatic: bool = False
    source: BeamSource = "file"


def checked_beam_kev(kev: float) -> float:
    """A beam energy, if one can excite a spectrum with it.

    Raises
    ------
    InputError
        The sentence names the likely meant value where eV were given.
    """
    kev = float(kev)
    if isfinite(kev) and _LOWEST_KEV <= kev <= _HIGHEST_KEV:
        return kev
    meant = ""
    if isfinite(kev) and _LOWEST_KEV <= kev / 1000 <= _HIGHEST_KEV:
        meant = f"; if {kev:g} eV is meant, give {kev / 1000:g}"
    raise InputError(
        f"A beam of {kev:g} keV cannot be right: give the voltage of the tube or microscope, or "
        f"the energy of the beamline, in keV, from {_LOWEST_KEV:g} to {_HIGHEST_KEV:g}{meant}."
    )


def compton_kev(kev: float, degrees: float) -> float:
    """Energy of a photon of ``kev`` after Compton scattering by an angle."""
    return kev / (1.0 + kev / _ELECTRON_KEV * (1.0 - cos(radians(degrees))))


def as_beam(beam: Beam | float) -> Beam:
    """A beam; a plain number is the voltage of a tube or microscope."""
    return beam if isinstance(beam, Beam) else Beam(float(beam))
