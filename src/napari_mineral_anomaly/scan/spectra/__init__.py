"""Spectrum images (one X-ray spectrum per pixel), and the physics of their lines."""

from __future__ import annotations

from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.image import SpectrumImage

__all__ = ["EnergyAxis", "SpectrumImage"]
