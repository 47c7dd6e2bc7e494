"""Made scenes of reflectance, to develop on: mixtures of smooth random spectra.

They replace the airborne scenes, which nobody looks at before the last round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from implants import crystal
from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION
from napari_mineral_anomaly.simulate.rendering import blur_beam
from napari_mineral_anomaly.simulate.section import LEAVE_OUT, RIM_FRACTION

SIDE = 160

Floats = NDArray[np.float64]


def reflectance_scene(seed: int) -> tuple[ElementCube, NDArray[np.uint8]]:
    """Reflectance (60-100 bands) and truth of one scene."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(11,)))
    n_bands, n_members = int(rng.integers(60, 101)), int(rng.integers(4, 11))
    members = np.array([_spectrum(n_bands, rng) for _ in range(n_members)])
    abundance = _abundances(n_members, rng)
    scene = np.einsum("mb,mhw->bhw", members, abundance)
    # Inside one cover the spectra vary too: a slow field of each band group.
    vary = gaussian_filter(rng.standard_normal((4, SIDE, SIDE)), (0, 6, 6))
    vary /= vary.std(axis=(1, 2), keepdims=True)
    slopes = np.array([_spectrum(n_bands, rng) - 0.3 for _ in range(4)])
    scene += rng.uniform(0.005, 0.03) * np.einsum("kb,khw->bhw", slopes, vary)

    share, spectra = np.zeros((SIDE, SIDE)), np.zeros_like(scene)
    kinds = [_spectrum(n_bands, rng) for _ in range(int(rng.integers(1, 4)))]
    for number in range(int(rng.integers(5, 26))):
        area = float(np.exp(rng.uniform(np.log(0.4), np.log(10.0))))
        outline = rng.uniform(0.4, 1.0) * crystal(area, rng)
        top, left = rng.integers(0, SIDE - outline.shape[0], 2)
        inside = np.s_[top : top + outline.shape[0], left : left + outline.shape[1]]
        new = outline > share[inside]
        share[inside][new] = outline[new]
        spectra[:, *inside][:, new] = kinds[number % len(kinds)][:, None]
    scene = (1.0 - share) * scene + share * spectra
    light = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 20)
    scene *= np.exp(rng.uniform(0.02, 0.15) * light / light.std())
    beam = float(rng.uniform(0.8, 1.4))
    scene = blur_beam(scene.astype(np.float32), beam)
    noise = rng.uniform(0.003, 0.02) * rng.uniform(0.5, 2.0, n_bands)
    scene = scene + noise[:, None, None] * rng.standard_normal(scene.shape)

    truth = (share >= TRUTH_FRACTION).astype(np.uint8)
    touched = blur_beam(share.astype(np.float32), beam) >= RIM_FRACTION
    truth[(truth == 0) & touched] = LEAVE_OUT
    names = [f"band {k + 1}" for k in range(n_bands)]
    maps = scene.astype(np.float32)
    valid = np.ones((SIDE, SIDE), dtype=bool)
    return ElementCube(maps, names, valid=valid, quantity="reflectance"), truth


def _spectrum(n_bands: int, rng: np.random.Generator) -> Floats:
    """A smooth spectrum between 0.02 and 0.8, with broad and narrow features."""
    broad = gaussian_filter1d(rng.standard_normal(n_bands), n_bands / 6, mode="reflect")
    narrow = gaussian_filter1d(rng.standard_normal(n_bands), n_bands / 25, mode="reflect")
    shape = broad / np.ptp(broad) + 0.4 * narrow / np.ptp(narrow)
    shape = (shape - shape.min()) / np.ptp(shape)
    low = rng.uniform(0.02, 0.2)
    spectrum: Floats = low + rng.uniform(0.1, 0.6) * shape
    return spectrum


def _abundances(n_members: int, rng: np.random.Generator) -> Floats:
    """Shares (n_members, H, W) of the covers: patches with mixed borders."""
    scales = np.exp(rng.uniform(np.log(3.0), np.log(20.0), n_members))
    fields = np.array(
        [gaussian_filter(rng.standard_normal((SIDE, SIDE)), scale) for scale in scales]
    )
    fields /= fields.std(axis=(1, 2), keepdims=True)
    fields += rng.normal(0.0, 0.7, n_members)[:, None, None]
    sharp = np.exp(rng.uniform(2.0, 8.0) * (fields - fields.max(axis=0)))
    abundance: Floats = sharp / sharp.sum(axis=0)
    return abundance
