"""A small scan with spectra: a matrix of three elements, and a sphalerite grain of four pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.element_maps import element_maps
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.lines import element_lines, fwhm_kev
from napari_mineral_anomaly.scan.spectra.windows import element_windows
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.spectrum.dock import SpectrumDock

SCAN = "spectral"

SHAPE = (12, 16)
N_CHANNELS, GAIN = 1024, 0.02
# Counts per pixel of the matrix, and of the grain in it.
MATRIX = {"Si": 900.0, "Ca": 500.0, "Fe": 300.0}
GRAIN, GRAIN_ELEMENT, GRAIN_COUNTS = (slice(4, 6), slice(7, 9)), "Zn", 400.0


def _spectrum_image(calibrated: bool = True) -> SpectrumImage:
    """Gaussian peaks on a flat background, Poisson noise of a fixed seed; 16-bit counts."""
    axis = EnergyAxis(0.0, GAIN, N_CHANNELS)
    mean = np.full((*SHAPE, N_CHANNELS), 0.5)
    for element, counts in MATRIX.items():
        mean += _peak(axis, element, counts)
    mean[GRAIN] += _peak(axis, GRAIN_ELEMENT, GRAIN_COUNTS)
    counts = np.random.default_rng(0).poisson(mean).astype(np.uint16)
    return SpectrumImage(
        counts, axis if calibrated else None, pixel_size=(20.0, 20.0), source="made for a test"
    )


def _cube_of(image: SpectrumImage, elements: tuple[str, ...] = tuple(MATRIX)) -> ElementCube:
    assert image.energy is not None
    return element_maps(image, element_windows(elements, image.energy))


def _peak(axis: EnergyAxis, element: str, counts: float) -> np.ndarray:
    """The K lines of an element as the detector shows them; K-alpha holds ``counts``."""
    total = np.zeros(axis.n_channels)
    for line in element_lines(element):
        if line.shell == "K":
            sigma = float(fwhm_kev(line.kev)) / 2.3548
            shape = np.exp(-0.5 * ((axis.kev - line.kev) / sigma) ** 2)
            total += line.intensity * shape / shape.sum()
    return counts / 1.5 * total


def _put_scan(viewer: Any, image: SpectrumImage) -> None:
    cube = _cube_of(image if image.energy is not None else _spectrum_image())
    for data in element_layers(cube.replace(spectra=image), scan="rock", scan_id=SCAN):
        add(viewer, data)


@pytest.fixture
def image() -> SpectrumImage:
    return _spectrum_image()


@pytest.fixture
def make_spectra() -> Callable[..., SpectrumImage]:
    """Makes the spectra anew; without an energy axis for ``calibrated=False``."""
    return _spectrum_image


@pytest.fixture
def grain() -> np.ndarray:
    """The pixels (H, W) of the sphalerite grain."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[GRAIN] = True
    return mask


@pytest.fixture
def cube_of() -> Callable[..., ElementCube]:
    """Makes the maps of elements from spectra, without the window."""
    return _cube_of


@pytest.fixture
def put_scan() -> Callable[[Any, SpectrumImage], None]:
    """Adds the layers of a scan with these spectra, "spectral", to a viewer."""
    return _put_scan


@pytest.fixture
def opened(viewer: ViewerModel, image: SpectrumImage) -> ViewerModel:
    """A viewer with a scan that has spectra; its maps are Si, Ca and Fe."""
    _put_scan(viewer, image)
    return viewer


@pytest.fixture
def dock(opened: ViewerModel, make_dock: Callable[..., Any]) -> Any:
    return make_dock(SpectrumDock, opened)
