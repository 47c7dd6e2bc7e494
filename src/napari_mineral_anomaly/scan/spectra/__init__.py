"""Spectrum images: one X-ray spectrum per pixel, and the element maps that are made of them."""

from __future__ import annotations

from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.image import SpectrumImage

__all__ = ["EnergyAxis", "SpectrumImage"]
