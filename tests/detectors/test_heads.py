"""The heads of `msfa` against plain computations, and the join on planted maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats
from sklearn.metrics import average_precision_score

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.blocks import (
    AVERAGED_VARIANCE,
    BEAM_PX,
    REACH,
    beam_average,
)
from napari_mineral_anomaly.detectors.heads.fit import FittedHeads, fit_heads
from napari_mineral_anomaly.detectors.heads.join import (
    around_spikes,
    join_answers,
    neighbour_share,
)
from napari_mineral_anomaly.detectors.heads.ring import INNER, OUTER
from napari_mineral_anomaly.detectors.networks.msfa.features import Features, fit_features
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.results.calibration import (
    background_sigmas,
    calibrate,
)
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    promised_false_pixels,
)
from napari_mineral_anomaly.detectors.statistical.ring import ring_offsets
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.runs.folder import write_run
from napari_mineral_anomaly.simulate import simulate_section

QUICK = {"epochs": 10, "seed": 0}


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    """A small section with some missing pixels."""
    section = simulate_section("easy", (60, 70), seed=3)
    valid = section.cube.valid.copy()
    valid[20:23, 30:40] = False
    return ElementCube(section.cube.maps, section.cube.elements, valid=valid, quantity="counts")


@pytest.fixture(scope="module")
def fitted(cube: ElementCube) -> tuple[Features, FittedHeads, dict[str, NDArray[np.float32]]]:
    features, _ = fit_features(cube, "auto", 24)
    heads = fit_heads(cube, features, unit_noise=True)
    return features, heads, answer(cube, features, heads)


def _planes(cube: ElementCube, features: Features) -> NDArray[np.float64]:
    """Features in noise units, (F, H, W)."""
    block = features.block(cube, slice(0, cube.shape[0]))
    return block.astype(np.float64) * features.unit[:, None, None]


def _averaged(cube: ElementCube, features: Features) -> NDArray[np.float64]:
    def blurred(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(
            ndimage.gaussian_filter(plane, BEAM_PX, mode="reflect", truncate=REACH / BEAM_PX)
        )

    weight = blurred(cube.valid.astype(float))
    planes = _planes(cube, features)
    return np.stack([blurred(plane * cube.valid) / weight * cube.valid for plane in planes])


def test_beam_average_keeps_the_noise_it_says() -> None:
    noise = np.random.default_rng(0).standard_normal((3, 300, 300)).astype(np.float32)
    averaged = beam_average(noise, np.ones((300, 300), dtype=bool))
    assert averaged.var() == pytest.approx(AVERAGED_VARIANCE, rel=0.02)


def test_missing_pixels_take_no_part_in_the_average() -> None:
    values = np.full((1, 20, 20), 5.0, dtype=np.float32)
    valid = np.ones((20, 20), dtype=bool)
    valid[8:11, 8:11] = False
    values[:, ~valid] = 1000.0
    averaged = beam_average(values, valid)
    np.testing.assert_allclose(averaged[0][valid], 5.0, rtol=1e-5)
    assert (averaged[0][~valid] == 0).all()


def test_scan_head_is_rx_of_the_averaged_scan(cube: ElementCube, fitted) -> None:
    features, _, answers = fitted
    pixels = _averaged(cube, features)[:, cube.valid].T
    inverse = np.linalg.pinv(np.cov(pixels.T))
    centred = pixels - pixels.mean(axis=0)
    expected = np.cbrt(np.einsum("ni,ij,nj->n", centred, inverse, centred) / features.n)
    np.testing.assert_allclose(answers["scan"][cube.valid], expected, rtol=2e-3)


def test_cells_head_is_a_regression_of_each_element_on_the_others(
    cube: ElementCube, fitted
) -> None:
    """The residual of the trimmed pixels is that of ordinary least squares."""
    features, heads, answers = fitted
    pixels = _planes(cube, features)[:, cube.valid].T
    residual = (pixels - heads.cell_mean) @ heads.cell_weights
    z = (residual - heads.cell_median) / heads.cell_spread
    expected = np.cbrt(np.square(z).sum(axis=1) / features.n)
    np.testing.assert_allclose(answers["cells"][cube.valid], expected, rtol=2e-3)
    # A plain least-squares fit on all pixels but the oddest leads to nearly the same residuals.
    kept = expected <= np.quantile(expected, 0.97)
    others = np.delete(pixels[kept], 2, axis=1)
    design = np.column_stack([others, np.ones(len(others))])
    solution, *_ = np.linalg.lstsq(design, pixels[kept][:, 2], rcond=None)
    plain = pixels[kept][:, 2] - design @ solution
    assert np.corrcoef(plain, residual[kept][:, 2])[0, 1] > 0.99


def test_surroundings_head_is_the_distance_to_the_ring(cube: ElementCube, fitted) -> None:
    features, _, answers = fitted
    planes = _averaged(cube, features) / np.sqrt(AVERAGED_VARIANCE)
    for y, x in ((30, 30), (24, 36), (45, 12)):
        ring = [
            planes[:, y + dy, x + dx]
            for dy, dx in ring_offsets(INNER, OUTER)
            if cube.valid[y + dy, x + dx]
        ]
        values = np.array(ring)
        covariance = np.cov(values.T, bias=True) + np.eye(features.n)
        away = planes[:, y, x] - values.mean(axis=0)
        expected = np.cbrt(away @ np.linalg.solve(covariance, away) / features.n)
        assert answers["surroundings"][y, x] == pytest.approx(expected, rel=1e-3)


def test_likeness_head_is_the_mean_distance_to_the_nearest(cube: ElementCube, fitted) -> None:
    features, heads, answers = fitted
    averaged = _averaged(cube, features)
    for y, x in ((5, 5), (50, 60)):
        distances = np.sort(np.linalg.norm(heads.sample - averaged[:, y, x], axis=1))[:25]
        expected = np.cbrt(distances.mean() ** 2 / features.n)
        assert answers["likeness"][y, x] == pytest.approx(expected, rel=5e-3, abs=5e-3)


def test_blocks_and_threads_change_no_answer(cube: ElementCube, fitted, monkeypatch) -> None:
    features, heads, answers = fitted
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("napari_mineral_anomaly.detectors.heads.answers.LEAST_BLOCK_PIXELS", 700)
    monkeypatch.setattr("napari_mineral_anomaly.detectors.heads.answers.BLOCK_PIXELS", 700)
    for name, image in answer(cube, features, heads).items():
        # Distances come from products in single precision, which a processor sums in another order
        # where a block has another number of pixels.
        np.testing.assert_allclose(image, answers[name], rtol=1e-3, atol=3e-4)


def _planted(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A map of noise, averaged like a head, with thirty grains of nine pixels."""
    noise = ndimage.gaussian_filter(rng.standard_normal((200, 200)), BEAM_PX)
    noise /= noise.std()
    truth = np.zeros(noise.shape, dtype=bool)
    for y, x in rng.integers(5, 195, (30, 2)):
        truth[y - 1 : y + 2, x - 1 : x + 2] = True
    return np.where(truth, noise + 9.0, noise), truth


def test_a_head_that_sees_only_noise_is_not_trusted_and_does_no_harm() -> None:
    rng = np.random.default_rng(1)
    seeing, truth = _planted(rng)
    answers = {"surroundings": seeing}
    for name in ("scan", "likeness", "cells"):
        noise = ndimage.gaussian_filter(rng.standard_normal(truth.shape), BEAM_PX)
        answers[name] = noise / noise.std()
    joined = join_answers(answers, np.ones(truth.shape, dtype=bool))
    assert joined.trust["surroundings"] == 1.0
    assert max(joined.trust[name] for name in ("scan", "likeness", "cells")) < 0.1
    assert average_precision_score(truth.ravel(), joined.statistic.ravel()) > 0.99
    assert (joined.found_by[truth] == 1).mean() > 0.99


def test_an_excess_of_single_pixels_is_not_trusted() -> None:
    rng = np.random.default_rng(2)
    spiky = rng.standard_normal((200, 200))
    spikes = rng.integers(0, 200, (150, 2))
    spiky[spikes[:, 0], spikes[:, 1]] += 12.0
    compact, truth = _planted(rng)
    joined = join_answers({"cells": spiky, "scan": compact}, np.ones(truth.shape, dtype=bool))
    assert joined.trust["cells"] < 0.2
    assert joined.trust["scan"] == 1.0
    assert joined.weights["cells"] < 0.3 * joined.weights["scan"]


def test_the_ranks_of_a_head_weigh_by_the_size_of_its_excess() -> None:
    rng = np.random.default_rng(6)
    valid = np.ones((200, 200), dtype=bool)
    few, many = rng.standard_normal((2, 200, 200))
    few[100:103, 100:103] += 12.0
    for y, x in rng.integers(0, 195, (30, 2)):
        many[y : y + 3, x : x + 3] += 12.0
    joined = join_answers({"cells": few, "scan": many}, valid)
    assert joined.trust["cells"] == joined.trust["scan"] == 1.0
    assert joined.weights["cells"] < 0.3 * joined.weights["scan"]


def _five_heads(
    rng: np.random.Generator,
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """The network and the surroundings see the planted grains, the others only noise."""
    seeing, truth = _planted(rng)
    answers = {"network": seeing}
    for name in ("scan", "cells", "surroundings", "likeness"):
        noise = ndimage.gaussian_filter(rng.standard_normal(truth.shape), BEAM_PX)
        answers[name] = noise / noise.std()
    answers["surroundings"] = answers["surroundings"] + 6.0 * truth
    return answers, truth


def test_heads_that_agree_give_the_sigmas_of_their_common_rank() -> None:
    noise = np.random.default_rng(8).standard_normal((300, 300))
    heads = ("network", "scan", "cells", "surroundings", "likeness")
    joined = join_answers(dict.fromkeys(heads, noise), np.ones(noise.shape, dtype=bool))
    exact = stats.norm.isf(stats.rankdata(-noise) / (noise.size + 1)).reshape(noise.shape)
    some = (exact > -2) & (exact < 4)
    np.testing.assert_allclose(joined.score[some], exact[some], atol=0.1)


def test_a_network_with_a_longer_tail_moves_the_sigmas_little() -> None:
    answers, truth = _five_heads(np.random.default_rng(4))
    valid = np.ones(truth.shape, dtype=bool)
    before = join_answers(answers, valid).score
    # The same order, but the tail in which the background ends is half as steep.
    network = answers["network"]
    start = np.quantile(network, 0.98)
    beyond = np.maximum(network - start, 0.0)
    longer = np.where(network > start, start + beyond**1.5, network)
    after = join_answers(answers | {"network": longer}, valid).score
    high = np.fmax(before, after) > 3
    alone = [background_sigmas(one, valid)[0][high] for one in (network, longer)]
    assert high.sum() > 200
    assert np.abs(alone[0] - alone[1]).max() > 1.5
    assert np.abs(before - after)[high].max() < 0.6


def test_beyond_its_start_the_joined_tail_has_a_known_scale() -> None:
    answers, truth = _five_heads(np.random.default_rng(4))
    del answers["surroundings"]  # so that no second tail lowers the sigmas
    joined = join_answers(answers, np.ones(truth.shape, dtype=bool))
    start = np.quantile(joined.statistic, 0.99)
    beyond = joined.statistic > start + 1e-3
    assert beyond.sum() > 300
    expected = stats.norm.isf(0.01 * np.exp(start - joined.statistic[beyond]))
    np.testing.assert_allclose(joined.score[beyond], expected, atol=2e-3)
    # A fitted tail would be stretched by the planted grains, which fill 0.7 % of the scan.
    fitted = calibrate(joined.statistic.ravel(), 0.01, 0.005)
    assert fitted is not None
    assert fitted.tail.scale > 2.0


def test_spikes_are_not_made_coherent_by_the_average_over_the_beam() -> None:
    rng = np.random.default_rng(9)
    valid = np.ones((200, 200), dtype=bool)
    measured = rng.standard_normal((4, 200, 200))
    where = rng.integers(5, 195, (2, 30))
    measured[:, *where] += 60
    averaged = [ndimage.gaussian_filter(plane, BEAM_PX) for plane in measured[:3]]
    answers = dict(zip(("scan", "surroundings", "likeness"), averaged, strict=True))
    spikes = np.zeros(valid.shape, dtype=bool)
    spikes[*where] = True
    blind = join_answers(answers, valid)
    joined = join_answers(answers | {"cells": measured[3]}, valid)
    assert blind.trust["scan"] > 0.9
    assert joined.trust["scan"] < 0.1
    threshold = default_threshold(valid.size)
    assert np.count_nonzero((blind.score >= threshold) & ~spikes) > 50
    assert np.count_nonzero((joined.score >= threshold) & ~spikes) <= 1


def test_grains_of_a_few_pixels_are_no_spikes() -> None:
    rng = np.random.default_rng(9)
    measured = rng.standard_normal((200, 200))
    for y, x in rng.integers(5, 195, (20, 2)):
        measured[y : y + 2, x : x + 2] += 60
    valid = np.ones(measured.shape, dtype=bool)
    grains = measured > 30
    assert not (around_spikes(measured, valid) & grains).any()
    measured[100, 100:103] = 0, 60, 0
    assert around_spikes(measured, valid)[99:102, 100:103].all()


def test_a_coherent_tail_of_ordinary_pixels_stays_below_the_threshold() -> None:
    # Small grains of a common mineral: only the surroundings see them, side by side as they are.
    flagged, promised = 0, 0.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        shape = (200, 200)
        valid = np.ones(shape, dtype=bool)
        answers = {}
        for name in ("network", "scan", "surroundings", "likeness", "cells"):
            noise = ndimage.gaussian_filter(rng.standard_normal(shape), BEAM_PX)
            answers[name] = noise / noise.std()
        grains = ndimage.gaussian_filter(rng.standard_normal(shape), 2.0)
        grains = np.maximum(grains / grains.std() - 1.0, 0.0)
        answers["surroundings"] += 0.3 * grains**4
        joined = join_answers(answers, valid)
        assert joined.trust["surroundings"] > 0.8
        flagged += np.count_nonzero(joined.score >= default_threshold(valid.size))
        promised += promised_false_pixels(valid.size)
    # 252 by the first tail alone.
    assert flagged <= promised


def test_equal_answers_get_equal_statistics() -> None:
    values = np.repeat(np.arange(50.0), 40).reshape(40, 50)
    joined = join_answers({"scan": values, "cells": values}, np.ones(values.shape, dtype=bool))
    for value in (0.0, 17.0, 49.0):
        assert np.ptp(joined.statistic[values == value]) == 0
    assert (np.diff(joined.statistic.ravel()) >= 0).all()


def test_neighbour_share() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[2, 2:5] = True
    assert neighbour_share(mask, 1) == pytest.approx(2 / 6)
    assert neighbour_share(mask, 2) == pytest.approx(1 / 6)
    assert neighbour_share(np.zeros((4, 4), dtype=bool), 1) == 0


def test_a_saved_msfa_keeps_its_heads(tmp_path: Path, cube: ElementCube) -> None:
    run = run_detection(cube, "msfa", make_config("msfa", **QUICK))
    save_model(run.fitted, tmp_path / "model")
    again = load_model(tmp_path / "model").score(cube)
    np.testing.assert_allclose(again.score, run.result.score, atol=1e-4)
    np.testing.assert_array_equal(again.found_by, run.result.found_by)


def test_the_run_says_which_question_found_a_grain(tmp_path: Path, cube: ElementCube) -> None:
    run = run_detection(cube, "msfa", make_config("msfa", **QUICK))
    grains = find_grains(run.result, cube=cube)
    named = grains[grains["kind"] == "grain"]["found_by"]
    assert len(named) > 5
    assert set(named) <= set(run.result.info["questions"].values())
    written = write_run(tmp_path / "out", cube, run)
    assert (written.folder / "reconstruction_error.ome.tif").is_file()
    assert "found_by" in (written.folder / "grains.csv").read_text().splitlines()[0]


def test_network_only_scores_by_the_error_of_the_network(cube: ElementCube) -> None:
    joined = run_detection(cube, "msfa", make_config("msfa", **QUICK)).result
    alone = run_detection(cube, "msfa", make_config("msfa", network_only=True, **QUICK)).result
    assert alone.reconstruction_error is None
    assert alone.found_by is None
    np.testing.assert_allclose(alone.score, joined.reconstruction_error, atol=1e-5)


def test_the_pixels_that_heads_learn_from_are_chosen_by_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_mineral_anomaly.detectors.heads.fit.SAMPLE", 500)
    section = simulate_section("easy", (120, 130), seed=5).cube
    features, _ = fit_features(section, "auto", 24)
    valid = section.valid.copy()
    valid[40, 50] = False

    def sampled(scan: ElementCube) -> dict[bytes, int]:
        """The sampled pixels, and where in the scan each is."""
        heads = fit_heads(scan, features, unit_noise=True)
        everywhere = _averaged(section, features).astype(np.float32)
        place = {everywhere[:, y, x].round(3).tobytes(): y for y in range(120) for x in range(130)}
        return {
            pixel.round(3).tobytes(): place.get(pixel.round(3).tobytes(), -1)
            for pixel in heads.sample
        }

    whole, holed = sampled(section), sampled(section.replace(valid=valid))
    assert len(whole) == 500
    # The hole changes the average of its neighbours, nothing else.
    assert len(whole.keys() & holed.keys()) > 490
    # Pixels of the whole scan, not the first ones.
    rows = np.array([y for y in whole.values() if y >= 0])
    assert len(rows) > 300
    assert np.histogram(rows, bins=4, range=(0, 120))[0].min() > 50


def test_backgrounds_of_a_large_scan_are_learnt_from_some_pixels(
    monkeypatch: pytest.MonkeyPatch, cube: ElementCube
) -> None:
    features, _ = fit_features(cube, "auto", 24)
    everything = fit_heads(cube, features, unit_noise=True)
    monkeypatch.setattr("napari_mineral_anomaly.detectors.heads.fit.LEARNT_PIXELS", 1000)
    some = fit_heads(cube, features, unit_noise=True)
    assert 900 < len(some.sample) < 1100
    assert len(everything.sample) == 4000
    np.testing.assert_allclose(some.mean, everything.mean, atol=0.3)
    assert not np.allclose(some.mean, everything.mean, atol=1e-4)


def test_a_scene_of_reflectance_is_asked_only_two_questions() -> None:
    rng = np.random.default_rng(2)
    maps = rng.normal(0.4, 0.02, (6, 40, 40)).astype(np.float32)
    bands = [f"{wavelength} nm" for wavelength in range(500, 560, 10)]
    scene = ElementCube(maps, bands, quantity="reflectance")
    thorough = run_detection(scene, "msfa", make_config("msfa", **QUICK)).result
    assert list(thorough.info["questions"]) == ["network", "surroundings"]
    assert set(np.unique(thorough.found_by)) <= {1, 2}
    quick = run_detection(scene, "msfa", make_config("msfa", quick=True)).result
    assert list(quick.info["questions"]) == ["surroundings"]
