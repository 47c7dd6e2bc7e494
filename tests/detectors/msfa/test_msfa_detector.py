"""Our network as a detector: the contract, its switches, and scans of every kind and size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.detector import FittedMsfa, MsfaDetector
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube

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


def _fit(cube: ElementCube, **changes: Any) -> FittedMsfa:
    return MsfaDetector(MsfaConfig(**(SMALL | changes))).fit(cube)


def _with_grain(scan: ElementCube) -> ElementCube:
    """A grain of 16 pixels: enough of them stand out to be candidates after the first stage."""
    maps = scan.maps.copy()
    maps[-1, 10:14, 8:12] += 4 * int(maps[-1].max())
    return scan.replace(maps=maps)


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


def test_a_run_tells_what_it_predicted_from_and_what_it_expected(masked_scan: ElementCube) -> None:
    result = _run(masked_scan)
    assert result.info["predicted_from"] == "other elements"
    assert result.reconstruction is not None
    np.testing.assert_array_equal(np.isfinite(result.reconstruction), [masked_scan.valid] * 6)


def test_the_odd_grain_stands_out_and_its_driver_is_in_excess(scan: ElementCube) -> None:
    result = _run(scan, pre_epochs=60, epochs=40, learning_rate=0.01)
    grain = np.zeros(scan.shape, dtype=bool)
    grain[9:11, 12:14] = True
    assert result.score[grain].min() > np.quantile(result.score[~grain], 0.98)
    zr = result.contributions[scan.elements.index("Zr")]
    assert (zr[grain] > 3).all()


def test_squared_contributions_add_up_to_the_statistic(make_scan: MakeScan) -> None:
    result = _run(_with_grain(make_scan((60, 60))), network_only=True)
    assert result.info["judged_by"] == "scan"
    total = np.square(result.contributions.astype(np.float64)).sum(0).ravel()
    order = np.argsort(total)
    score = result.score.ravel()[order].astype(np.float64)
    apart = np.diff(total[order]) > 1e-5 * total.mean()
    assert (np.diff(score)[apart] > 0).all()


def test_the_reconstruction_is_in_the_units_of_the_maps(scan: ElementCube) -> None:
    result = _run(scan, pre_epochs=300, epochs=0, learning_rate=0.01, patience=100)
    assert result.reconstruction is not None
    assert result.reconstruction.shape == scan.maps.shape
    for name in ("Si", "Al", "Fe", "K"):
        maps = scan.plane(scan.elements.index(name)).astype(np.float64)
        expected = result.reconstruction[scan.elements.index(name)].astype(np.float64)
        assert np.corrcoef(maps.ravel(), expected.ravel())[0, 1] > 0.9
        # Means agree on the scale of square roots, on which the network is trained.
        roots = np.sqrt(np.maximum(expected, 0)).mean()
        assert roots == pytest.approx(np.sqrt(maps).mean(), rel=0.1)


def test_scoring_again_gives_the_numbers_of_the_fit(scan: ElementCube) -> None:
    fitted = _fit(scan)
    first, again, copy = (fitted.score(cube) for cube in (scan, scan, scan.replace()))
    for other in (again, copy):
        np.testing.assert_array_equal(first.score, other.score)
        np.testing.assert_array_equal(first.contributions, other.contributions)
        np.testing.assert_array_equal(first.pseudo_labels, other.pseudo_labels)


def test_training_is_longer_where_noise_hides_all_candidates(make_scan: MakeScan) -> None:
    hidden = _run(make_scan((60, 60)))
    assert hidden.info["noise_hides_candidates"]
    stages = [row["stage"] for row in hidden.info["loss_curve"]]
    assert stages == [1] * 8 + [2] * 8 + [3] * 8 + [4] * 8

    # One grain is enough: one pixel in 2 000 is asked for.
    told = _run(_with_grain(make_scan((60, 60))))
    assert not told.info["noise_hides_candidates"]
    assert told.info["n_candidates"] >= 16
    assert [row["stage"] for row in told.info["loss_curve"]] == [1] * 8 + [2] * 8


def _two_minerals(make_scan: MakeScan) -> tuple[ElementCube, tuple[int, int]]:
    """A noisy scan whose left half varies far more than its right half; a grain at the right."""
    scan = make_scan((60, 60))
    maps = scan.maps.astype(np.float64)
    rng = np.random.default_rng(5)
    maps[:, :, :30] += 6 * np.sqrt(maps[:, :, :30] + 1) * rng.normal(size=(len(maps), 60, 30))
    grain = (40, 45)
    maps[-1, grain[0], grain[1]] += 20 * np.sqrt(maps[-1, :, 30:].mean())
    return scan.replace(maps=np.clip(np.rint(maps), 0, None).astype(np.uint16)), grain


def test_where_noise_hides_candidates_a_pixel_is_judged_by_its_surroundings(
    make_scan: MakeScan, tmp_path: Path
) -> None:
    scan, grain = _two_minerals(make_scan)
    fitted = _fit(scan)
    result = fitted.score(scan)
    assert result.info["noise_hides_candidates"]
    assert result.info["judged_by"] == "surroundings"
    # Squared sigmas of the scan rank the quiet half's grain below the noise of the other half.
    total = np.square(result.contributions).sum(0)
    assert (total > total[grain]).sum() > 100
    assert result.reconstruction_error is not None
    assert (result.reconstruction_error > result.reconstruction_error[grain]).sum() < 10
    save_model(fitted, tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").score(scan).score, result.score)


def test_the_untrained_copy_is_judged_like_the_trained_one(make_scan: MakeScan) -> None:
    noisy, _ = _two_minerals(make_scan)
    bright = _with_grain(make_scan((60, 60)))
    for scan, expected in ((noisy, "surroundings"), (bright, "scan")):
        result = _run(scan, epochs=0, pre_epochs=0)
        assert result.info["judged_by"] == expected
        assert result.info["loss_curve"] == []
    assert result.info["candidate_rounds"][-1]["candidate_share"] >= 16 / 3600


@pytest.mark.parametrize("shape", [(8, 9), (4, 4), (5, 23), (1, 40)])
def test_tiny_scans_work(make_scan: MakeScan, shape: tuple[int, int]) -> None:
    scan = make_scan(shape)
    two = ElementCube(scan.maps[:2], scan.elements[:2])
    for cube in (scan, two):
        result = _run(cube)
        assert result.score.shape == shape
        assert np.isfinite(result.score).all()


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
        _run(scan, task=Task(listen, token))
    assert len(seen) <= 1


def test_cancelling_the_scoring_stops_it(make_scan: MakeScan) -> None:
    fitted = _fit(make_scan(seed=0))
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        fitted.score(make_scan(seed=1), task=Task(token=token))


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
