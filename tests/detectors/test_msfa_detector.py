"""Our network as a detector: the contract, its switches, and scans of every kind and size."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import torch

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.msfa.detector import FittedMaskedMsfa, MsfaDetector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent
from napari_mineral_anomaly.result import AnomalyResult

SMALL: dict[str, Any] = {
    "epochs": 8,
    "pre_epochs": 8,
    "tile": 12,
    "batch_size": 4,
    "width": 8,
    "groups": 2,
    "mask_blocks": 3,
}
MakeScan = Callable[..., ElementCube]


def _run(cube: ElementCube, **changes: Any) -> AnomalyResult:
    return detect(cube, "msfa", **({"seed": 0} | SMALL | changes))


def _fit(cube: ElementCube, **changes: Any) -> FittedMaskedMsfa:
    return MsfaDetector(MsfaConfig(**(SMALL | changes))).fit(cube)


def _scene(seed: int = 0, bands: int = 5, shape: tuple[int, int] = (26, 24)) -> ElementCube:
    """Reflectance of a smooth background with one odd pixel at (13, 11)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]] / 20
    smooth = np.stack([0.3 + 0.1 * np.sin(rows + k) * np.cos(columns - k) for k in range(bands)])
    maps = smooth + rng.normal(0, 0.005, smooth.shape)
    maps[0, 13, 11] += 0.15
    maps[-1, 13, 11] -= 0.1
    return ElementCube(
        maps.astype(np.float32), [f"B{k}" for k in range(bands)], quantity="reflectance"
    )


def test_the_contract_of_ours_holds_inside_and_outside_the_valid_area(
    masked_scan: ElementCube,
) -> None:
    before = masked_scan.valid.copy()
    result = _run(masked_scan)
    valid = masked_scan.valid
    np.testing.assert_array_equal(valid, before)
    assert result.score.dtype == np.float32
    assert np.isnan(result.score[~valid]).all()
    assert np.isfinite(result.score[valid]).all()
    assert result.contributions.shape == (6, 24, 20)
    assert np.isnan(result.contributions[:, ~valid]).all()
    assert np.isfinite(result.contributions[:, valid]).all()
    assert result.reconstruction is not None
    assert np.isfinite(result.reconstruction[:, valid]).all()
    assert (result.pseudo_labels[~valid] == 0).all()
    assert (result.pseudo_labels[valid] >= 1).all()
    assert result.info["n_candidates"] == np.count_nonzero(result.pseudo_labels == 1)
    assert result.info["predicted_from"] == "other elements"
    assert [row["stage"] for row in result.info["loss_curve"]] == [1] * 8 + [2] * 8
    assert json.loads(json.dumps(result.info)) == result.info  # run.json can hold it


def test_same_seed_same_bits_and_another_seed_others(scan: ElementCube) -> None:
    torch.manual_seed(1)
    first = _run(scan)
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002 (the point: global random state must not matter)
    again = _run(scan)
    np.testing.assert_array_equal(first.score, again.score)
    np.testing.assert_array_equal(first.contributions, again.contributions)
    np.testing.assert_array_equal(first.pseudo_labels, again.pseudo_labels)
    assert first.info["loss_curve"] == again.info["loss_curve"]
    assert not np.array_equal(first.score, _run(scan, seed=1).score)


@pytest.mark.parametrize(
    "change",
    [
        {"no_attention": True},
        {"no_groups": True},
        {"no_orthogonal": True},
        {"no_pseudo_labels": True},
        {"no_masking": True},
        {"no_context": True},
        {"transform": "log1p"},
        {"lambda_cohesion": 0.0, "lambda_separation": 0.0},
        {"smoothing_px": 0.0},
        {"epochs": 0},
        {"epochs": 0, "pre_epochs": 0},
    ],
    ids=lambda change: "-".join(f"{key}={value}" for key, value in change.items()),
)
def test_each_switch_of_ours_changes_the_scores(scan: ElementCube, change: dict[str, Any]) -> None:
    plain, switched = _run(scan), _run(scan, **change)
    assert np.isfinite(switched.score).all()
    assert switched.score.std() > 0
    assert not np.allclose(plain.score, switched.score, atol=1e-4)


def test_ours_untrained_has_no_loss_and_still_scores(scan: ElementCube) -> None:
    result = _run(scan, epochs=0, pre_epochs=0)
    assert result.info["loss_curve"] == []
    assert result.info["n_candidates"] == np.count_nonzero(result.pseudo_labels == 1)
    assert np.isfinite(result.score).all()


def test_the_odd_grain_stands_out_and_its_driver_is_in_excess(scan: ElementCube) -> None:
    result = _run(scan, pre_epochs=60, epochs=40, learning_rate=0.01)
    grain = np.zeros(scan.shape, dtype=bool)
    grain[9:11, 12:14] = True
    assert result.score[grain].min() > np.quantile(result.score[~grain], 0.98)
    zr = result.contributions[scan.elements.index("Zr")]
    assert (zr[grain] > 3).all()


def test_squared_contributions_add_up_to_the_statistic(scan: ElementCube) -> None:
    result = _run(scan)
    total = np.square(result.contributions.astype(np.float64)).sum(0).ravel()
    order = np.argsort(total)
    score = result.score.ravel()[order].astype(np.float64)
    apart = np.diff(total[order]) > 1e-5 * total.mean()
    assert (np.diff(score)[apart] > 0).all()


def test_the_reconstruction_is_in_the_units_of_the_maps(scan: ElementCube) -> None:
    result = _run(scan, pre_epochs=100, epochs=0, learning_rate=0.01, patience=100)
    assert result.reconstruction is not None
    assert result.reconstruction.shape == scan.maps.shape
    for name in ("Si", "Al", "Fe", "K"):
        maps = scan.plane(scan.elements.index(name)).astype(np.float64)
        expected = result.reconstruction[scan.elements.index(name)].astype(np.float64)
        assert np.corrcoef(maps.ravel(), expected.ravel())[0, 1] > 0.9
        assert np.median(expected) == pytest.approx(np.median(maps), rel=0.25, abs=3)


def test_scoring_again_gives_the_numbers_of_the_fit(scan: ElementCube) -> None:
    fitted = _fit(scan)
    first, again, copy = (fitted.score(cube) for cube in (scan, scan, scan.replace()))
    for other in (again, copy):
        np.testing.assert_array_equal(first.score, other.score)
        np.testing.assert_array_equal(first.contributions, other.contributions)
        np.testing.assert_array_equal(first.pseudo_labels, other.pseudo_labels)


def test_our_model_scores_another_scan_by_the_names_of_its_elements(make_scan: MakeScan) -> None:
    fitted = _fit(make_scan(seed=0))
    other = make_scan(seed=1)
    order = [5, 3, 1, 0, 2, 4]
    turned = ElementCube(other.maps[order], [other.elements[c] for c in order])
    plain, mixed = fitted.score(other), fitted.score(turned)
    np.testing.assert_array_equal(mixed.score, plain.score)
    np.testing.assert_array_equal(mixed.contributions, plain.contributions[order])
    with pytest.raises(InputError, match="no map of Zr"):
        fitted.score(ElementCube(other.maps[:5], other.elements[:5]))


def test_a_constant_element_is_dropped_and_recorded(make_scan: MakeScan) -> None:
    scan = make_scan()
    with_zero = ElementCube(
        np.concatenate([scan.maps, np.zeros_like(scan.maps[:1])]), [*scan.elements, "Au"]
    )
    result = _run(with_zero)
    assert result.info["dropped_elements"] == ["Au"]
    np.testing.assert_array_equal(result.score, _run(scan).score)
    assert (result.contributions[6] == 0).all()


def test_missing_values_inside_a_drawn_area_get_a_finite_score(make_scan: MakeScan) -> None:
    scan = make_scan()
    maps = scan.maps.astype(np.float32)
    maps[2, 5, 5] = np.nan
    result = _run(scan.replace(maps=maps, valid=np.ones(scan.shape, dtype=bool)))
    assert np.isfinite(result.score).all()
    assert np.isfinite(result.contributions).all()


def test_what_lies_outside_the_valid_area_has_no_say(masked_scan: ElementCube) -> None:
    spoilt = np.array(masked_scan.maps)
    spoilt[:, ~masked_scan.valid] = 60_000
    plain, other = _run(masked_scan), _run(masked_scan.replace(maps=spoilt))
    np.testing.assert_array_equal(plain.score, other.score)
    np.testing.assert_array_equal(plain.pseudo_labels, other.pseudo_labels)


@pytest.mark.parametrize("shape", [(8, 9), (4, 4), (5, 23), (1, 40)])
def test_tiny_scans_work(make_scan: MakeScan, shape: tuple[int, int]) -> None:
    scan = make_scan(shape)
    two = ElementCube(scan.maps[:2], scan.elements[:2])
    for cube in (scan, two):
        result = _run(cube)
        assert result.score.shape == shape
        assert np.isfinite(result.score).all()


def test_lazy_maps_give_ours_the_same_numbers(scan: ElementCube) -> None:
    lazy = scan.replace(maps=dask.array.from_array(scan.maps, chunks=(1, 7, 9)))
    np.testing.assert_array_equal(_run(lazy).score, _run(scan).score)


@pytest.mark.parametrize("phase", ["training", "labels", "pseudo-labels", "statistics"])
def test_cancelling_the_fit_stops_before_the_next_step(scan: ElementCube, phase: str) -> None:
    token = CancelToken()
    seen: list[ProgressEvent] = []

    def listen(event: ProgressEvent) -> None:
        if token.cancelled:
            seen.append(event)
        if event.phase == phase:
            token.cancel()

    with pytest.raises(CancelledError):
        _run(scan, on_event=listen, cancel=token)
    assert len(seen) <= 1


def test_cancelling_the_scoring_stops_it(make_scan: MakeScan) -> None:
    fitted = _fit(make_scan(seed=0))
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        fitted.score(make_scan(seed=1), cancel=token)


# --- reflectance ----------------------------------------------------------------------------


def test_reflectance_is_judged_by_its_surroundings() -> None:
    scene = _scene()
    result = _run(scene)
    assert result.info["predicted_from"] == "surroundings"
    assert np.unravel_index(np.nanargmax(result.score), scene.shape) == (13, 11)
    assert result.score[13, 11] > result.threshold
    assert result.contributions[0, 13, 11] > 5
    assert result.contributions[-1, 13, 11] < -5
    assert result.reconstruction is not None
    np.testing.assert_allclose(
        np.median(result.reconstruction, axis=(1, 2)), np.median(scene.maps, axis=(1, 2)), atol=0.03
    )


def test_a_saved_model_of_reflectance_gives_the_same_scores(tmp_path: Path) -> None:
    fitted = _fit(_scene())
    save_model(fitted, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    for scene in (_scene(), _scene(seed=1)):
        before, after = fitted.score(scene), loaded.score(scene)
        np.testing.assert_array_equal(before.score, after.score)
        np.testing.assert_array_equal(before.contributions, after.contributions)


def test_spectral_bands_are_reduced_and_contribute_as_bands() -> None:
    scene = _scene(bands=45, shape=(22, 20))
    result = _run(scene, components=6, epochs=2, pre_epochs=4)
    assert result.info["n_features"] == 6
    assert result.contributions.shape == (45, 22, 20)
    assert np.isfinite(result.score).all()
    assert np.isfinite(result.contributions).all()
