"""Models of earlier versions open and give the scores that they gave then.

The folders under ``fixtures/msfa_before_designs`` were made before models named their design: one
for each way to judge a residual. ``scan.npz`` holds the scan (C, H, W) that each was trained on,
the score of that time (H, W) and the contributions of the first element (1, H, W).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.bundle import load_model
from napari_mineral_anomaly.detectors.pipeline import apply_detector
from napari_mineral_anomaly.scan.cube import ElementCube

FOLDER = Path(__file__).parent / "fixtures" / "msfa_before_designs"


@pytest.mark.parametrize("name", ["scan", "noise", "reflectance"])
def test_a_model_of_an_earlier_version_scores_as_it_did(name: str) -> None:
    kept = np.load(FOLDER / name / "scan.npz")
    about = json.loads((FOLDER / name / "scan.json").read_text())
    cube = ElementCube(kept["maps"], about["elements"], quantity=about["quantity"])
    fitted = load_model(FOLDER / name, device="cpu")
    result = apply_detector(cube, fitted).result
    assert np.abs(result.score - kept["score"]).max() < 1e-4
    assert np.abs(result.contributions[:1] - kept["contributions"]).max() < 1e-3
    assert np.ptp(kept["score"]) > 5  # the comparison is not one of constants
