"""Metrics: exact numbers on small cases, scikit-learn and the published identities."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.metrics import auc_and_ap, compared_pixels, evaluate

KEYS = {
    "auc",
    "ap",
    "pauc_1e3",
    "auc_df",
    "auc_dtau",
    "auc_ftau",
    "td",
    "bs",
    "odp",
    "grain_precision",
    "n_anomaly",
    "n_background",
    "n_excluded",
}


@pytest.fixture
def noisy() -> tuple[np.ndarray, np.ndarray]:
    """60 x 50 pixels with many ties; about 4 % anomalies, moderately separated."""
    rng = np.random.default_rng(3)
    truth = (rng.random((60, 50)) < 0.04).astype(np.uint8)
    score = np.round(rng.normal(size=truth.shape) + 1.5 * truth, 1)
    return score, truth


def test_hand_case():
    # Falling scores: anomaly 4, background 3, anomaly 2, background 1 and 0.
    metrics = evaluate(np.array([[4.0, 3.0, 2.0, 1.0, 0.0]]), np.array([[1, 0, 1, 0, 0]]))
    assert set(metrics) == KEYS
    assert metrics["auc"] == pytest.approx(5 / 6)  # 5 of 6 pairs in the right order
    assert metrics["ap"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics["auc_df"] == metrics["auc"]
    assert metrics["auc_dtau"] == pytest.approx(0.75)  # mean of 1.0 and 0.5
    assert metrics["auc_ftau"] == pytest.approx(1 / 3)  # mean of 0.75, 0.25 and 0
    assert metrics["td"] == pytest.approx(5 / 6 + 0.75)
    assert metrics["bs"] == pytest.approx(5 / 6 - 1 / 3)
    assert metrics["odp"] == pytest.approx(0.75 + 1 - 1 / 3)
    assert metrics["pauc_1e3"] == pytest.approx(0.5)  # one of two found before any false alarm
    assert metrics["grain_precision"] is None
    assert (metrics["n_anomaly"], metrics["n_background"], metrics["n_excluded"]) == (2, 3, 0)


def test_a_tie_counts_one_half():
    score, truth = np.array([[1.0, 1.0, 0.0]]), np.array([[1, 0, 0]])
    metrics = evaluate(score, truth)
    assert metrics["auc"] == pytest.approx(0.75)
    assert metrics["ap"] == pytest.approx(0.5)
    # To Pf = 1e-3 the segment from (0, 0) to (0.5, 1) rises to 0.002: mean 0.001.
    assert metrics["pauc_1e3"] == pytest.approx(0.001)


def test_all_scores_equal():
    metrics = evaluate(np.full((2, 2), 7.0), np.array([[1, 0], [0, 0]]))
    assert metrics["auc"] == pytest.approx(0.5)
    assert metrics["ap"] == pytest.approx(0.25)
    assert metrics["auc_dtau"] == metrics["auc_ftau"] == 0.0
    assert metrics["odp"] == 1.0


def test_agrees_with_scikit_learn(noisy):
    score, truth = noisy
    metrics = evaluate(score, truth)
    flat, labels = score.ravel(), truth.ravel()
    assert metrics["auc"] == pytest.approx(roc_auc_score(labels, flat), abs=1e-12)
    assert metrics["ap"] == pytest.approx(average_precision_score(labels, flat), abs=1e-12)
    assert auc_and_ap(score, truth) == (metrics["auc"], metrics["ap"])
    # scikit-learn standardises the partial area (McClish 1989); undo it.
    rate = 1e-3
    standard = roc_auc_score(labels, flat, max_fpr=rate)
    low = rate**2 / 2
    area = (2 * standard - 1) * (rate - low) + low
    assert metrics["pauc_1e3"] == pytest.approx(area / rate, abs=1e-9)


def test_roc_points_are_those_of_scikit_learn(noisy):
    score, truth = noisy
    curve = compared_pixels(score, truth).roc_curve()
    fpr, tpr, thresholds = sklearn_roc_curve(truth.ravel(), score.ravel(), drop_intermediate=False)
    assert np.allclose(curve.false_positive_rate, fpr)
    assert np.allclose(curve.true_positive_rate, tpr)
    assert np.array_equal(curve.threshold, thresholds)


def test_tau_areas_equal_the_integrals_of_pd_and_pf(noisy):
    score, truth = noisy
    metrics = evaluate(score, truth)
    stretched = (score - score.min()) / (score.max() - score.min())
    for key, kind in (("auc_dtau", 1), ("auc_ftau", 0)):
        values = stretched[truth == kind]
        tau = np.unique(np.concatenate([[0.0], values, [1.0]]))
        share = np.array([(values >= t).mean() for t in tau[1:]])  # constant on (t_k-1, t_k]
        assert metrics[key] == pytest.approx(np.sum(share * np.diff(tau)), abs=1e-12)


def test_the_tau_metrics_do_not_change_with_offset_and_scale(noisy):
    score, truth = noisy
    one, other = evaluate(score, truth), evaluate(-100 + 8 * score, truth)
    for key in ("auc", "ap", "td", "bs", "odp"):
        assert one[key] == pytest.approx(other[key])


def test_what_is_left_out_is_counted_and_changes_nothing_else(noisy):
    score, truth = noisy
    padded_score = np.pad(score, ((0, 3), (0, 0)), constant_values=99.0)
    padded_truth = np.pad(truth, ((0, 3), (0, 0)), constant_values=1)
    padded_score[60] = np.nan
    padded_truth[61] = 255
    valid = np.ones(padded_score.shape)
    valid[62] = 0
    metrics = evaluate(padded_score, padded_truth, valid=valid)
    assert metrics["n_excluded"] == 150
    for key, value in evaluate(score, truth).items():
        if key != "n_excluded":
            assert metrics[key] == value


def test_grain_precision_counts_grains_that_touch_a_true_anomaly():
    score = np.zeros((3, 30))
    truth = np.zeros((3, 30), dtype=np.uint8)
    for k in range(12):  # twelve grains of one pixel, peaks 30, 29, ...; every third is true
        score[0, 2 * k] = 30 - k
        truth[0, 2 * k] = k % 3 == 0
    score[1, 0] = 29.5  # enlarges the first grain by an ordinary pixel
    precision = evaluate(score, truth, threshold=5.0)["grain_precision"]
    assert precision == {"10": 4 / 10, "20": 4 / 12, "50": 4 / 12}
    assert evaluate(score, truth, threshold=100.0)["grain_precision"] == {
        "10": None,
        "20": None,
        "50": None,
    }


def test_a_grain_on_left_out_pixels_alone_does_not_count():
    score = np.array([[9.0, 0.0, 8.0, 0.0, 7.0]])
    truth = np.array([[255, 0, 1, 0, 0]])
    assert evaluate(score, truth, threshold=5.0)["grain_precision"]["10"] == 0.5


def test_the_result_is_strict_json(noisy):
    text = json.dumps(evaluate(*noisy, threshold=2.0), allow_nan=False)
    assert set(json.loads(text)) == KEYS
    assert set(json.loads(text)["grain_precision"]) == {"10", "20", "50"}


def test_separability_boxes_are_percentiles_of_the_stretched_scores():
    score = np.concatenate([np.linspace(0, 50, 101), np.linspace(80, 100, 101)])[None]
    truth = np.repeat([0, 1], 101)[None]
    boxes = compared_pixels(score, truth).separability()
    assert boxes.background == pytest.approx((0.05, 0.25, 0.45))
    assert boxes.anomaly == pytest.approx((0.82, 0.90, 0.98))
    assert boxes.gap == pytest.approx(0.82 - 0.45)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (np.zeros((2, 2)), "no anomalous pixel"),
        (np.ones((2, 2)), "no background pixel"),
        (np.array([[0, 255], [0, 0]]), "write anomalies as 1"),
        (np.array([[0, 1], [2, 3]]), "also holds 2, 3"),
        (np.zeros((2, 3)), "2x3 pixels but the score map is 2x2"),
    ],
)
def test_truth_that_cannot_be_compared_is_told_in_a_sentence(truth, words):
    with pytest.raises(InputError, match=words):
        evaluate(np.arange(4.0).reshape(2, 2), truth)


def test_boolean_and_float_truth_are_fine():
    score = np.array([[2.0, 1.0, 0.0]])
    assert auc_and_ap(score, np.array([[True, False, False]])) == (1.0, 1.0)
    assert auc_and_ap(score, np.array([[1.0, 0.0, np.nan]])) == (1.0, 1.0)
