"""Numbers on real scans, where MINERAL_ANOMALY_DATA names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly import detect, read_maps
from napari_mineral_anomaly.evaluation.metrics import auc_and_ap
from napari_mineral_anomaly.io import read_scene


@pytest.mark.parametrize(
    ("scene", "auc", "ap"),
    [
        ("abu-airport-1", 0.822, 0.101),
        ("abu-beach-1", 0.981, 0.440),
        ("abu-urban-1", 0.991, 0.425),
        ("hydice-urban", 0.986, 0.220),
    ],
)
def test_rx_reaches_its_known_auc_on_the_standard_scenes(
    real_data: Path, scene: str, auc: float, ap: float
) -> None:
    cube, truth = read_scene(real_data / "hsi" / f"{scene}.mat")
    found = auc_and_ap(detect(cube, "rx").score, truth)
    assert found == pytest.approx((auc, ap), abs=1e-3)


def test_rx_ranks_the_sulphide_phosphate_and_zircon_of_a_metapelite_first(
    real_data: Path,
) -> None:
    cube = read_maps(real_data / "maps" / "metapelite_arac01b", pixel_size=5)
    result = detect(cube, "rx")
    worst = np.argsort(result.score.ravel())[-60:]
    drivers = {
        cube.elements[int(np.argmax(result.contributions[:, y, x]))]
        for y, x in zip(*np.unravel_index(worst, cube.shape), strict=True)
    }
    assert {"S", "P", "Zr"} <= drivers
