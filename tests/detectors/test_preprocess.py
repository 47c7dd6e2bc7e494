from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.transforms import AppliedTransform, resolve_transform, stabilise


def test_anscombe_gives_poisson_counts_unit_variance_whatever_their_mean() -> None:
    rng = np.random.default_rng(0)
    for mean in (5, 30, 1000):
        counts = rng.poisson(mean, 200_000).astype(np.float32)
        assert np.var(stabilise(counts, "anscombe")) == pytest.approx(1, abs=0.05)


def test_anscombe_is_the_published_formula_where_that_is_defined() -> None:
    counts = np.array([0, 1, 12, 5000], dtype=np.float32)
    np.testing.assert_allclose(
        stabilise(counts, "anscombe"), 2 * np.sqrt(counts + 0.375), rtol=1e-6
    )


@pytest.mark.parametrize("transform", ["anscombe", "log1p", "none"])
def test_transforms_are_strictly_increasing_through_negative_net_counts(
    transform: AppliedTransform,
) -> None:
    values = np.linspace(-50, 50, 2001).astype(np.float32)
    out = stabilise(values, transform)
    assert np.isfinite(out).all()
    assert (np.diff(out) > 0).all()
    assert np.isnan(stabilise(np.array([np.nan], dtype=np.float32), transform)).all()


def test_anscombe_continues_by_point_symmetry_about_minus_three_eighths() -> None:
    distance = np.array([0.1, 1.0, 40.0], dtype=np.float32)
    above = stabilise(distance - np.float32(0.375), "anscombe")
    below = stabilise(-distance - np.float32(0.375), "anscombe")
    np.testing.assert_allclose(above, -below, rtol=1e-4)


def test_auto_stabilises_counts_only() -> None:
    assert resolve_transform("auto", "counts") == "anscombe"
    assert resolve_transform("auto", "concentration") == "none"
    assert resolve_transform("auto", "reflectance") == "none"
    assert resolve_transform("log1p", "counts") == "log1p"


def _cube() -> ElementCube:
    rng = np.random.default_rng(1)
    maps = rng.uniform(1, 9, (4, 6, 5))
    maps[1] = 7.0
    maps[3] = np.nan
    maps[0, 0, 0] = 1000.0
    valid = np.ones((6, 5), dtype=bool)
    valid[0] = False
    return ElementCube(maps, ["Fe", "Ni", "Cu", "Zn"], valid=valid, quantity="concentration")


def test_elements_with_a_single_value_or_none_are_dropped_and_recorded() -> None:
    fitted = fit_preprocessing(_cube())
    assert fitted.elements == ("Fe", "Cu")
    assert fitted.dropped == ("Ni", "Zn")


def test_scaling_spans_exactly_the_valid_pixels_and_never_clips() -> None:
    cube = _cube()
    scaled = fit_preprocessing(cube).scaled_block(cube, slice(None))
    inside = scaled[:, cube.valid]
    np.testing.assert_allclose(inside.min(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(inside.max(axis=1), 1, atol=1e-6)
    assert scaled[0, 0, 0] > 100  # the outlier outside the valid area


def test_blocks_are_float32_and_agree_with_planes() -> None:
    cube = _cube()
    fitted = fit_preprocessing(cube, "log1p")
    block = fitted.block(cube, slice(1, 4), slice(2, 5))
    assert block.dtype == np.float32
    for k in range(2):
        np.testing.assert_array_equal(block[k], fitted.plane(cube, k)[1:4, 2:5])


def test_missing_values_inside_a_hand_drawn_area_become_the_median() -> None:
    maps = np.random.default_rng(0).uniform(1, 2, (2, 5, 5))
    maps[0, 2, 2] = np.nan
    maps[1, 3, 3] = np.inf
    cube = ElementCube(maps, ["Fe", "Cu"], valid=np.ones((5, 5)), quantity="concentration")
    fitted = fit_preprocessing(cube)
    block = fitted.block(cube, slice(None))
    assert block[0, 2, 2] == pytest.approx(np.nanmedian(maps[0]), rel=1e-6)
    assert np.isfinite(block).all()


def test_elements_are_matched_by_name_in_any_order() -> None:
    cube = _cube()
    fitted = fit_preprocessing(cube)
    turned = ElementCube(cube.maps[[2, 1, 0]], ["Cu", "Ni", "Fe"], valid=cube.valid)
    np.testing.assert_array_equal(
        fitted.block(turned, slice(1, None)), fitted.block(cube, slice(1, None))
    )
    with pytest.raises(InputError, match=r"no map of Fe, Cu, which .* it has: Ni, Zn"):
        fitted.block(ElementCube(cube.maps[[1, 3]], ["Ni", "Zn"]), slice(None))


def test_a_scan_without_any_variation_is_refused_in_a_sentence() -> None:
    cube = ElementCube(np.full((2, 3, 3), 5), ["Fe", "Cu"], source="flat scan")
    with pytest.raises(InputError, match="flat scan has nothing to compare"):
        fit_preprocessing(cube)


def test_the_fit_can_be_cancelled_and_saved() -> None:
    cube, token = _cube(), CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        fit_preprocessing(cube, task=Task(token=token))
    fitted = fit_preprocessing(cube, "log1p")
    again = Preprocessing.from_saved(fitted.arrays(), fitted.meta())
    np.testing.assert_array_equal(
        again.scaled_block(cube, slice(None)), fitted.scaled_block(cube, slice(None))
    )
    assert (again.dropped, again.transform) == (("Ni", "Zn"), "log1p")
