"""Auto-AD and DFAN: cases with a known answer, and what every detector must keep to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.networks.auto_ad.config import AutoAdConfig
from napari_mineral_anomaly.detectors.networks.auto_ad.optimise import adaptive_weights, learn_tile
from napari_mineral_anomaly.detectors.networks.auto_ad.tiles import padded_side, scan_tiles
from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.dfan.detector import DfanDetector
from napari_mineral_anomaly.detectors.networks.dfan.network import ChannelAttention
from napari_mineral_anomaly.detectors.pipeline import detect, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube

RIVALS = ("auto-ad", "dfan")
QUICK: dict[str, dict[str, Any]] = {
    "auto-ad": {"epochs": 6, "channels": 4},
    "dfan": {"epochs": 2, "pre_epochs": 10, "latent_dim": 8, "pool_size": 4},
}


def banded_scan(shape: tuple[int, int] = (64, 64)) -> tuple[ElementCube, np.ndarray]:
    """Three smooth bands of rock and a 2 x 2 grain of an element nobody else has."""
    rng = np.random.default_rng(4)
    bands = np.array([[300.0, 40, 20, 5], [150, 160, 30, 5], [80, 60, 240, 5]])
    rates = bands[np.clip(3 * np.arange(shape[1]) // shape[1], 0, 2)] * np.ones((shape[0], 1, 1))
    truth = np.zeros(shape, dtype=bool)
    truth[30:32, 40:42] = True
    rates[truth, 3] = 90
    maps = rng.poisson(rates).astype(np.uint16).transpose(2, 0, 1)
    return ElementCube(maps, ["Si", "Ca", "Fe", "Zr"], pixel_size=20), truth


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("auto-ad", {"epochs": 101, "channels": 8, "reweight_every": 50}),
        ("dfan", {"pre_epochs": 60, "epochs": 1, "latent_dim": 16}),
    ],
)
def test_a_planted_grain_is_among_the_oddest_pixels(name: str, parameters: dict[str, Any]) -> None:
    cube, truth = banded_scan()
    result = detect(cube, name, **parameters)
    odder = (result.score[~truth][:, None] > result.score[truth]).sum(axis=0)
    assert (odder < 20).all()  # of 4092
    if name == "auto-ad":
        # It draws the rock and not the grain: far more Zr than expected, the rest as it should be.
        np.testing.assert_allclose(result.reconstruction[3][truth], 5, atol=3)
        contributions = result.contributions[:, truth].mean(axis=1)
        assert contributions[3] > 8
        assert (np.abs(contributions[:3]) < 4).all()


@pytest.mark.parametrize("name", RIVALS)
def test_training_lowers_the_loss(name: str) -> None:
    cube, _ = banded_scan()
    parameters = {"epochs": 31} if name == "auto-ad" else {"pre_epochs": 31, "learning_rate": 0.01}
    curve = detect(cube, name, **(QUICK[name] | parameters)).info["loss_curve"]
    first_stage = [point["loss"] for point in curve if point["stage"] == 1]
    assert first_stage[-1] < 0.75 * first_stage[0]


@pytest.mark.parametrize("name", RIVALS)
def test_same_seed_same_numbers_and_torch_is_left_alone(name: str, scan: ElementCube) -> None:
    before = torch.random.get_rng_state()
    first, again = (detect(scan, name, seed=5, **QUICK[name]) for _ in range(2))
    np.testing.assert_array_equal(first.score, again.score)
    np.testing.assert_array_equal(first.reconstruction, again.reconstruction)
    assert not np.array_equal(first.score, detect(scan, name, seed=6, **QUICK[name]).score)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", RIVALS)
def test_a_saved_model_scores_the_same(
    name: str, make_scan: Callable[..., ElementCube], tmp_path: Path
) -> None:
    run = run_detection(make_scan(), name, make_config(name, seed=3, **QUICK[name]))
    save_model(run.fitted, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    for scan in (make_scan(), make_scan(seed=8)):
        before, after = run.fitted.score(scan), loaded.score(scan)
        np.testing.assert_array_equal(before.score, after.score)
        np.testing.assert_array_equal(before.contributions, after.contributions)
        np.testing.assert_array_equal(before.reconstruction, after.reconstruction)


@pytest.mark.parametrize("name", RIVALS)
def test_a_cancelled_run_ends_at_the_next_step(name: str, scan: ElementCube) -> None:
    token = CancelToken()
    steps: list[ProgressEvent] = []

    def listen(event: ProgressEvent) -> None:
        steps.append(event)
        if event.loss is not None and event.step == 3:
            token.cancel()

    with pytest.raises(CancelledError):
        detect(scan, name, task=Task(listen, token), **QUICK[name])
    assert [event.step for event in steps if event.loss is not None] == [1, 2, 3]


@pytest.mark.parametrize("name", RIVALS)
def test_odd_sizes_and_holes_in_the_valid_area(
    name: str, make_scan: Callable[..., ElementCube]
) -> None:
    valid = np.ones((37, 23), dtype=bool)
    valid[:4] = valid[20:25, 3:9] = valid[:, -2:] = False
    scan = make_scan((37, 23), valid=valid)
    result = detect(scan, name, **QUICK[name])
    for values in (result.score, *result.contributions, *result.reconstruction):
        np.testing.assert_array_equal(np.isfinite(values), valid)
    changed = scan.maps.copy()
    changed[:, ~valid] = 60_000
    other = detect(scan.replace(maps=changed), name, **QUICK[name])
    np.testing.assert_array_equal(result.score, other.score)


@pytest.mark.parametrize("name", RIVALS)
def test_an_element_without_variation_is_not_expected_to_be_anything(
    name: str, scan: ElementCube
) -> None:
    maps = np.concatenate([np.full((1, *scan.shape), 7, np.uint16), scan.maps])
    result = detect(scan.replace(maps=maps, elements=["flat", *scan.elements]), name, **QUICK[name])
    assert np.isnan(result.reconstruction[0]).all()
    assert np.isfinite(result.reconstruction[1:]).all()
    assert (result.contributions[0] == 0).all()
    # In counts: between nothing and little more than the map itself holds.
    assert (result.reconstruction[1:].max(axis=(1, 2)) <= 1.01 * scan.maps.max(axis=(1, 2))).all()


def test_tiles_cover_the_valid_area_once_and_keep_to_their_size() -> None:
    valid = np.zeros((150, 200), dtype=bool)
    valid[10:140, 20:190] = True
    valid[10:70, 20:100] = False
    seen = np.zeros(valid.shape, dtype=int)
    tiles = scan_tiles(valid, 4096)
    for tile in tiles:
        assert tile.shape[0] * tile.shape[1] <= 4096
        seen[tile.rows, tile.columns] += 1
    assert seen.max() == 1
    assert (seen[valid] == 1).all()
    assert len(tiles) < 9  # 3 x 3 tiles of the bounding box, without the empty corner
    assert len(scan_tiles(valid, 65_536)) == 1


@pytest.mark.parametrize(("side", "padded"), [(1, 64), (64, 64), (65, 96), (96, 96), (342, 352)])
def test_padded_sides_can_be_halved_five_times(side: int, padded: int) -> None:
    assert padded_side(side) == padded


def test_a_large_scan_is_learnt_tile_by_tile_and_says_so_first() -> None:
    cube, _ = banded_scan((80, 90))
    events: list[ProgressEvent] = []
    result = detect(cube, "auto-ad", task=Task(events.append), tile_pixels=4096, **QUICK["auto-ad"])
    assert events[0].step == 0
    assert "4 tiles of at most 4,096 pixels" in events[0].message
    assert events[-1].step == events[-1].total == 4 * 6
    assert result.info["n_tiles"] == 4
    assert "time grows with the scan" in result.info["warnings"][0]
    assert np.isfinite(result.score).all()
    assert "warnings" not in detect(cube, "auto-ad", **QUICK["auto-ad"]).info


def test_badly_learnt_pixels_lose_their_weight() -> None:
    squared = torch.tensor([[1.0, 3.0, 5.0, 99.0]])
    counted = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    torch.testing.assert_close(
        adaptive_weights(squared, counted), torch.tensor([[1.0, 0.5, 0.0, 0.0]])
    )
    same = torch.ones((1, 4))
    torch.testing.assert_close(adaptive_weights(same, counted), counted)


def test_auto_ad_stops_when_the_loss_stands_still() -> None:
    target = np.random.default_rng(0).random((2, 10, 10)).astype(np.float32)
    valid = np.ones((10, 10), dtype=bool)
    cpu = torch.device("cpu")
    easy = AutoAdConfig(epochs=300, channels=2, stop_below=1.0)
    assert len(learn_tile(target, valid, easy, 0, cpu).losses) == 51
    never = easy.model_copy(update={"stop_below": 0.0, "epochs": 52})
    assert len(learn_tile(target, valid, never, 0, cpu).losses) == 52


def test_channel_attention_depends_on_the_image() -> None:
    attention = ChannelAttention(8, 4, torch.Generator().manual_seed(0))
    filters = attention.filters.flatten(1)
    torch.testing.assert_close(filters @ filters.T, torch.eye(8), atol=1e-5, rtol=0)
    generator = torch.Generator().manual_seed(1)
    gains = [attention.gains(torch.randn(8, generator=generator)) for _ in range(2)]
    assert gains[0].shape == (8, 1)
    assert not torch.allclose(gains[0], gains[1])


def test_dfan_in_strips_equals_dfan_in_one_piece(masked_scan: ElementCube) -> None:
    whole = DfanDetector(DfanConfig(**QUICK["dfan"])).fit(masked_scan)
    strips = DfanDetector(DfanConfig(batch_size=64, **QUICK["dfan"])).load(whole.state())
    a, b = whole.score(masked_scan), strips.score(masked_scan)
    np.testing.assert_allclose(a.score, b.score, atol=1e-4)
    np.testing.assert_allclose(a.reconstruction, b.reconstruction, rtol=1e-4, atol=1e-3)


def test_dfan_trains_on_windows_where_the_scan_is_larger_than_a_batch(scan: ElementCube) -> None:
    result = detect(scan, "dfan", batch_size=100, **QUICK["dfan"])
    assert np.isfinite(result.score).all()
    assert len(result.info["loss_curve"]) == 12


def test_dfan_leaves_small_clusters_out_of_its_second_stage() -> None:
    # Two plain rocks and three pixels of a third kind, without noise: three clusters.
    maps = np.zeros((3, 40, 40), dtype=np.float32)
    maps[0, :, :20] = maps[1, :, 20:] = 1.0
    maps[2, 7:10, 7] = 1.0
    cube = ElementCube(maps, list("abc"), valid=np.ones((40, 40)), quantity="unknown")
    info = detect(cube, "dfan", **QUICK["dfan"]).info
    assert info["left_out_shares"] == pytest.approx([3 / 1600] * 2, rel=1e-4)
