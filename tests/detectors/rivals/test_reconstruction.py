"""The way back from transformed and scaled values to the units of the maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.preprocess import fit_preprocessing
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units, unscale
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.transforms import AppliedTransform, stabilise, unstabilise


@pytest.mark.parametrize("transform", ["none", "anscombe", "log1p"])
def test_unstabilise_undoes_stabilise(transform: AppliedTransform) -> None:
    # Net counts can be negative; -3/8 is where the Anscombe curve turns.
    values = np.array([-500.0, -3.2, -0.375, -0.1, 0, 0.5, 7, 4000, 65_535], dtype=np.float32)
    back = unstabilise(stabilise(values, transform), transform)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("transform", ["none", "anscombe", "log1p"])
def test_a_perfect_reconstruction_is_the_map_itself(
    transform: AppliedTransform, make_scan: Callable[..., ElementCube]
) -> None:
    scan = make_scan()
    maps = np.concatenate([scan.maps[:2], np.full((1, *scan.shape), 3, np.uint16), scan.maps[2:]])
    cube = scan.replace(maps=maps, elements=[*scan.elements[:2], "flat", *scan.elements[2:]])
    preprocessing = fit_preprocessing(cube, transform)
    scaled = preprocessing.scaled_block(cube, slice(None))
    before = scaled.copy()
    out = in_map_units(cube, preprocessing, unscale(preprocessing, scaled))
    assert np.isnan(out[2]).all()  # nothing is expected of an element that is not used
    used = [0, 1, 3, 4, 5, 6]
    np.testing.assert_allclose(out[used], maps[used], rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(scaled, before)
