"""Local RX and collaborative representation against plain loops and known cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.preprocess import fit_preprocessing
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.statistical import ring
from napari_mineral_anomaly.detectors.statistical.crd import CrdConfig, representation_error
from napari_mineral_anomaly.detectors.statistical.local_rx import (
    LocalRxConfig,
    local_distance,
    ordinary_for_the_scan,
)
from napari_mineral_anomaly.detectors.statistical.ring import RingBlock, ring_offsets
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate import simulate_section

RIVALS = ("local-rx", "crd")


def random_block(margin: int, seed: int = 0) -> RingBlock:
    rng = np.random.default_rng(seed)
    shape = (4 + 2 * margin, 5 + 2 * margin)
    values = rng.normal(3, 1, (*shape, 3)).astype(np.float32)
    valid = rng.random(shape) > 0.2
    return RingBlock(slice(0, 4), values, valid)


def ring_pixels(block: RingBlock, y: int, x: int, inner: int, outer: int) -> np.ndarray:
    margin = outer // 2
    where = [(y + margin + dy, x + margin + dx) for dy, dx in ring_offsets(inner, outer)]
    return np.array([block.values[p] for p in where if block.valid[p]], dtype=float)


def test_the_ring_is_the_outer_square_without_the_inner_one() -> None:
    offsets = ring_offsets(3, 7)
    assert len(offsets) == len(set(offsets)) == 7 * 7 - 3 * 3
    assert (0, 0) not in offsets
    assert (1, 1) not in offsets
    assert (2, 0) in offsets


def test_local_rx_equals_a_plain_loop() -> None:
    config = LocalRxConfig(inner=3, outer=7, ridge=0.05)
    block = random_block(3)
    fast = local_distance(block, np.eye(3), config)
    for y in range(4):
        for x in range(5):
            pixels = ring_pixels(block, y, x, 3, 7)
            covariance = np.cov(pixels.T, bias=True) + 0.05 * np.eye(3)
            apart = block.values[y + 3, x + 3] - pixels.mean(axis=0)
            distance = apart @ np.linalg.solve(covariance, apart)
            assert fast[y, x] == pytest.approx(np.cbrt(distance / 3), rel=1e-6)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_crd_equals_the_equation_of_the_paper(sum_to_one: bool) -> None:
    config = CrdConfig(inner=3, outer=7, ridge=0.5, sum_to_one=sum_to_one)
    block = random_block(3, seed=1)
    fast = representation_error(block, config)
    for y in range(4):
        for x in range(5):
            surroundings = ring_pixels(block, y, x, 3, 7).T
            centre = block.values[y + 3, x + 3].astype(float)
            gamma = np.linalg.norm(surroundings - centre[:, None], axis=0)
            if sum_to_one:
                surroundings = np.vstack([surroundings, np.ones(surroundings.shape[1])])
                centre = np.append(centre, 1.0)
            system = surroundings.T @ surroundings + 0.5 * np.diag(gamma**2)
            alpha = np.linalg.solve(system, surroundings.T @ centre)
            left = (centre - surroundings @ alpha)[:3]
            assert fast[y, x] == pytest.approx(np.cbrt(np.linalg.norm(left)), rel=1e-6)


def banded_cube() -> tuple[ElementCube, tuple[int, int]]:
    """Two bands of rock; one pixel of the left band's kind sits inside the right band."""
    rng = np.random.default_rng(3)
    left, right = np.array([200.0, 40.0, 90.0]), np.array([60.0, 180.0, 30.0])
    rates = np.where(np.arange(40)[None, :, None] < 20, left, right) * np.ones((30, 1, 1))
    rates[15, 30] = left
    maps = rng.poisson(rates).astype(np.uint16).transpose(2, 0, 1)
    return ElementCube(maps, ["Si", "Ca", "Fe"]), (15, 30)


@pytest.mark.parametrize("name", RIVALS)
def test_a_local_anomaly_is_found_that_global_rx_cannot_see(name: str) -> None:
    cube, where = banded_cube()
    local, everywhere = detect(cube, name).score, detect(cube, "rx").score
    inside = np.s_[7:23, 27:33]  # away from the boundary of the bands
    assert local[where] == local[inside].max()
    assert (everywhere > everywhere[where]).sum() > 20


def test_the_promise_holds_where_small_grains_of_common_minerals_abound() -> None:
    flagged = dict.fromkeys(RIVALS, 0)
    promised = 0.0
    for seed in range(2):
        cube = simulate_section("barren", (400, 400), seed).cube
        for name in RIVALS:
            result = detect(cube, name)
            flagged[name] += int(result.mask.sum())
        promised += result.info["promised_false_pixels"]
    assert all(count <= 3 * promised for count in flagged.values()), flagged


def test_local_rx_still_finds_grains_at_its_default_threshold() -> None:
    section = simulate_section("easy", (256, 256), 1)
    found = detect(section.cube, "local-rx").mask & (section.truth == 1)
    assert found.sum() >= 0.2 * section.truth.sum()


def test_ordinary_is_what_rx_does_not_count_among_the_oddest() -> None:
    section = simulate_section("easy", (128, 128), 2)
    valid = section.cube.valid.copy()
    valid[:30] = False
    cube = section.cube.replace(valid=valid)
    ordinary = ordinary_for_the_scan(cube, fit_preprocessing(cube, "auto"))
    assert not ordinary[:30].any()
    assert ordinary.sum() == pytest.approx(0.98 * valid.sum(), abs=1)
    rx = detect(cube, "rx").score
    assert rx[ordinary].max() <= rx[valid & ~ordinary].min()


@pytest.mark.parametrize("name", RIVALS)
def test_blocks_give_what_one_piece_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, _ = banded_cube()
    whole = detect(cube, name).score
    monkeypatch.setattr(ring, "BLOCK_BYTES", 40_000)
    np.testing.assert_allclose(detect(cube, name).score, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", RIVALS)
def test_off_sample_pixels_are_neither_scored_nor_compared_with(name: str) -> None:
    cube, _ = banded_cube()
    valid = np.ones((30, 40), dtype=bool)
    valid[:, 20:] = False
    changed = cube.maps.copy()
    changed[:, :, 20:] = 9999
    a = detect(cube.replace(valid=valid), name).score
    b = detect(cube.replace(maps=changed, valid=valid), name).score
    np.testing.assert_array_equal(a, b)
    assert np.isfinite(a[:, :20]).all()
    assert np.isnan(a[:, 20:]).all()


@pytest.mark.parametrize("name", RIVALS)
def test_a_saved_model_scores_the_same(name: str, tmp_path: Path) -> None:
    cube, _ = banded_cube()
    run = run_detection(cube, name, make_config(name))
    save_model(run.fitted, tmp_path / "model")
    np.testing.assert_array_equal(
        load_model(tmp_path / "model").score(cube).score, run.result.score
    )


def test_a_scan_smaller_than_the_window_still_works() -> None:
    rng = np.random.default_rng(0)
    cube = ElementCube(rng.poisson(50, (3, 4, 6)).astype(np.uint16), ["Si", "Ca", "Fe"])
    assert np.isfinite(detect(cube, "local-rx").score).all()


def test_windows_that_do_not_nest_are_refused() -> None:
    with pytest.raises(InputError, match="inner smaller than outer"):
        make_config("crd", inner=9, outer=7)
