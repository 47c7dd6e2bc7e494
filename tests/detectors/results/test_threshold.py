"""Which pixels a threshold flags: the one rule that masks, grains and metrics share."""

from __future__ import annotations

import numpy as np

from napari_mineral_anomaly.detectors.results.threshold import flagged


def test_a_score_at_the_threshold_is_flagged_and_a_missing_one_never():
    score = np.array([[3.9, 4.0], [4.1, np.nan]], dtype=np.float32)
    assert flagged(score, 4.0).tolist() == [[False, True], [True, False]]
    assert flagged(score, -np.inf).tolist() == [[True, True], [True, False]]
