"""Spectra with known contents: the fixtures `expected_spectrum` and `cube_of` are functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.lines import FWHM_PER_SIGMA, family, fwhm_kev, main_lines

AXIS = EnergyAxis(0.0, 0.01, 2048)


def make_spectrum(
    counts: Mapping[str, float],
    *,
    continuum: float = 50.0,
    axis: EnergyAxis = AXIS,
    beam_kev: float = 20.0,
    stretch: float = 1.0,
) -> NDArray[np.float64]:
    """Expected counts (E,): so many counts in the first main shell of each element.

    ``stretch`` moves every line to ``stretch`` times its energy: a wrong calibration.
    """
    kev = axis.kev
    out = continuum * np.clip(1 - kev / beam_kev, 0, None) * -np.expm1(-((kev / 0.8) ** 3))
    for symbol, total in counts.items():
        shell = main_lines(symbol, beam_kev)[0].shell
        lines = family(symbol, shell, beam_kev)
        share = total / sum(line.intensity for line in lines)
        for line in lines:
            sigma = float(fwhm_kev(line.kev)) / FWHM_PER_SIGMA
            peak = np.exp(-0.5 * ((kev - stretch * line.kev) / sigma) ** 2)
            out += share * line.intensity * peak * axis.gain_kev / (sigma * np.sqrt(2 * np.pi))
    return np.asarray(out)


def make_cube(
    shape: tuple[int, int],
    everywhere: Mapping[str, float],
    grain: tuple[slice, slice] | None = None,
    inside: Mapping[str, float] | None = None,
    seed: int = 0,
    axis: EnergyAxis = AXIS,
    continuum: float = 1.0,
) -> NDArray[np.uint16]:
    """Poisson counts (H, W, E) of one matrix, with a grain of something else."""
    rng = np.random.default_rng(seed)
    means = np.broadcast_to(
        make_spectrum(everywhere, continuum=continuum, axis=axis), (*shape, axis.n_channels)
    ).copy()
    if grain is not None and inside is not None:
        means[grain] = make_spectrum(inside, continuum=continuum, axis=axis)
    return rng.poisson(means).astype(np.uint16)


@pytest.fixture
def expected_spectrum() -> Callable[..., NDArray[np.float64]]:
    return make_spectrum


@pytest.fixture
def cube_of() -> Callable[..., NDArray[np.uint16]]:
    return make_cube
