"""What a network of a large scan is trained on, and what its result covers all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.networks.msfa import training
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.detector import MsfaDetector
from napari_mineral_anomaly.detectors.networks.msfa.training_part import BAND_ROWS, training_part
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section


def _numbered(height: int, width: int, valid: np.ndarray | None = None) -> ElementCube:
    """A scan whose pixels are their own row numbers."""
    rows = np.broadcast_to(np.arange(height, dtype=np.uint16)[:, None], (height, width))
    return ElementCube(np.stack([rows, rows + 1]), ["Fe", "Ca"], valid=valid, quantity="counts")


def test_a_small_scan_is_trained_on_as_it_is() -> None:
    cube = _numbered(300, 50)
    assert training_part(cube, most=300 * 50) is cube


def test_bands_lie_evenly_from_the_first_row_with_sample_to_the_last() -> None:
    valid = np.ones((40 * BAND_ROWS, 100), dtype=bool)
    valid[: 4 * BAND_ROWS] = False
    cube = _numbered(*valid.shape, valid)
    part = training_part(cube, most=6 * BAND_ROWS * 100)
    rows = np.asarray(part.maps)[0, :, 0]
    first_rows = rows[::BAND_ROWS]
    assert part.shape == (6 * BAND_ROWS, 100)
    assert part.valid.all()
    assert first_rows[0] == 4 * BAND_ROWS
    assert first_rows[-1] == 39 * BAND_ROWS
    assert np.diff(first_rows).tolist() == [7 * BAND_ROWS] * 5
    np.testing.assert_array_equal(rows, np.concatenate([f + np.arange(64) for f in first_rows]))


def test_a_wide_scan_keeps_bands_of_its_whole_height() -> None:
    part = training_part(_numbered(8 * BAND_ROWS, 200), most=1000)
    assert part.shape == (4 * BAND_ROWS, 200)


def test_the_part_keeps_the_markers_of_missing_pixels_of_the_whole_scan() -> None:
    rng = np.random.default_rng(0)
    maps = rng.poisson(50, (1, 10 * BAND_ROWS, 100)).astype(np.float32)
    maps[0, BAND_ROWS : BAND_ROWS + 20, :60] = -9999  # in a band that the part does not hold
    cube = ElementCube(maps, ["Fe"], quantity="counts")
    assert cube.markers == {0: (-9999.0,)}
    part = training_part(cube, most=10_000)
    assert float(np.asarray(part.maps).min()) >= 0
    assert part.markers == cube.markers


def test_a_network_of_a_part_judges_the_whole_scan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cube = simulate_section("easy", shape=(640, 64), seed=2).cube
    monkeypatch.setattr(training, "training_part", lambda scan: training_part(scan, most=200 * 64))
    config = MsfaConfig(device="cpu", width=8, groups=2, tile=12, pre_epochs=20, epochs=10)
    fitted = MsfaDetector(config).fit(cube)
    first = fitted.score(cube)
    assert first.info["trained_pixels"] == 4 * BAND_ROWS * 64
    save_model(fitted, tmp_path / "model")
    again = load_model(tmp_path / "model").score(cube)
    assert first.score.shape == cube.shape
    np.testing.assert_allclose(first.score, again.score, atol=1e-4)
    np.testing.assert_array_equal(first.pseudo_labels, again.pseudo_labels)
