"""Where a scan is oddest when nothing reaches the threshold."""

from __future__ import annotations

import numpy as np

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.unlisted.oddest_places import oddest_places, oddest_sentence


def result(score: np.ndarray, contributions: np.ndarray) -> AnomalyResult:
    labels = np.full(score.shape, 2, np.uint16)
    return AnomalyResult(score.astype("f4"), 3.1, contributions.astype("f4"), labels, ("Fe", "P"))


def test_each_place_is_named_once_with_the_element_that_carries_it():
    score = np.full((20, 20), -1.0)
    contributions = np.zeros((2, 20, 20))
    score[4:7, 5:8] = 2.5
    score[5, 6] = 2.98
    contributions[:, 5, 6] = (-3.0, 29.06)
    score[15, 0] = 2.26
    contributions[:, 15, 0] = (-7.0, 2.0)
    score[0, 0] = np.nan
    places = oddest_places(result(score, contributions))
    assert [(place.row, place.column, place.driver) for place in places] == [
        (5, 6, "P+29.1"),
        (15, 0, "Fe-7.0"),
    ]
    sentence = oddest_sentence(places, 3.1)
    assert "row 5, column 6 (2.98 sigmas, P+29.1); row 15, column 0" in sentence
    assert "lower the threshold, to 2.2 say" in sentence


def test_a_place_above_the_threshold_was_too_small_a_grain():
    score = np.zeros((4, 5))
    score[3, 4] = 6.0
    places = oddest_places(result(score, np.ones((2, 4, 5))))
    assert [place.score for place in places] == [6.0]
    assert oddest_sentence(places, 3.1).endswith("list smaller grains too.")


def test_a_scan_without_contrast_names_no_place():
    assert oddest_places(result(np.zeros((4, 5)), np.zeros((2, 4, 5)))) == ()
    assert oddest_sentence((), 3.1) == ""
