"""What the ingest report says of the beam and the live time of a spectrum image."""

from __future__ import annotations

from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam


def beam_steps(image: SpectrumImage, beam: Beam) -> list[str]:
    """How the kind of a known beam was found out, where nobody says it."""
    if image.is_monochromatic is None and image.beam_kev is not None and beam.is_monochromatic:
        return [f"the beam has one energy, because the spectra have a peak at {beam.kev:g} keV"]
    return []


def beam_notes(image: SpectrumImage, beam: Beam) -> list[str]:
    """What was guessed of a monochromatic beam, and how to overrule it."""
    if image.beam_kev is not None or not beam.is_monochromatic:
        return []
    if image.is_monochromatic is None:
        return [
            f"The highest peak of the spectra, at {beam.kev:g} keV, looks like the elastic peak of "
            "a beam of one energy, and is taken for it: give the energy if it is not exact "
            "(--beam-energy KEV on the command line), or say that the beam is a tube or electrons "
            "(--no-monochromatic)."
        ]
    return [
        f"The energy of the monochromatic beam is not in the file; it is taken from the spectra "
        f"({beam.kev:g} keV): give it if that is not exact (--beam-energy KEV on the command line)."
    ]


def live_time_notes(image: SpectrumImage) -> list[str]:
    """A note where counts follow the live time of the pixels."""
    live = image.live_time
    if live is None or not live.is_per_pixel or not live.varies:
        return []
    return [
        f"The live time differs between pixels ({live.in_words}, from {live.source}), and the "
        "counts with it: maps of counts per second of live time do not follow it (--per-second on "
        "the command line)."
    ]
