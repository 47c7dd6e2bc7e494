"""Judging against a truth mask, and by a checked sample."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import precision_recall_curve

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.against_truth import at_threshold, compare_with_truth
from napari_mineral_anomaly.evaluation.intervals import bootstrap_share, wilson
from napari_mineral_anomaly.evaluation.metrics import compared_pixels, evaluate
from napari_mineral_anomaly.evaluation.sampled_truth import draw_sample, load_sample, save_sample


def _scene() -> tuple[np.ndarray, np.ndarray]:
    score = np.zeros((20, 20))
    truth = np.zeros((20, 20), dtype=np.uint8)
    truth[2, 2:5] = 1  # found by two pixels
    truth[10, 10] = 1  # missed
    truth[15, 2:4] = 1  # found
    truth[18, 18] = 255
    score[2, 3:6] = 6  # touches truth, one pixel false
    score[15, 2] = 7
    score[7, 15] = 8  # false grain
    score[18, 18] = 9  # left out
    return score, truth


def test_confusion_and_grains_at_the_threshold():
    confusion, precision, recall = at_threshold(*_scene(), 5.0)
    assert (confusion.true_positive, confusion.false_positive) == (3, 2)
    assert (confusion.false_negative, confusion.true_negative) == (3, 400 - 1 - 8)
    assert confusion.precision == pytest.approx(0.6)
    assert confusion.recall == pytest.approx(0.5)
    assert confusion.f1 == pytest.approx(6 / 11)
    assert confusion.false_alarm_rate == pytest.approx(2 / 393)
    assert (precision.n_true, precision.n) == (2, 3)
    assert (recall.n_true, recall.n) == (2, 3)
    assert precision.low < 2 / 3 < precision.high


def test_nothing_flagged_has_no_precision():
    confusion, precision, recall = at_threshold(*_scene(), 50.0)
    assert confusion.precision is None
    assert precision.value is None
    assert (recall.value, recall.low) == (0.0, 0.0)
    assert recall.high == pytest.approx(0.5615, abs=1e-3)  # Wilson: 0 of 3


def test_curves_and_table_agree_with_the_metrics():
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 60)) > 0.95).astype(np.uint8)
    score = np.round(rng.normal(size=(60, 60)) + 2 * truth, 1)
    judgement = compare_with_truth(score, truth, 2.0)
    metrics = evaluate(score, truth, threshold=2.0)
    assert judgement.metrics == metrics
    assert judgement.roc.area() == pytest.approx(metrics["auc"])
    fine = compared_pixels(score, truth).roc_3d(n_points=20001)
    assert np.trapezoid(fine.pd, fine.tau) == pytest.approx(metrics["auc_dtau"], abs=1e-3)
    assert np.trapezoid(fine.pf, fine.tau) == pytest.approx(metrics["auc_ftau"], abs=1e-3)
    assert (fine.pd[0], fine.pf[0]) == (1.0, 1.0)
    table = judgement.table.set_index("figure")["value"]
    assert table["AUC (Pd, Pf)"] == metrics["auc"]
    assert table["Pixel recall"] == pytest.approx(judgement.confusion.recall)
    at = np.searchsorted(-judgement.pr.threshold, -2.0, side="right") - 1
    assert judgement.pr.recall[at] == pytest.approx(judgement.confusion.recall)
    assert judgement.pr.precision[at] == pytest.approx(judgement.confusion.precision)


def test_precision_recall_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    truth = (rng.random(500) > 0.8).astype(np.uint8)
    score = np.round(rng.normal(size=500) + truth, 1)
    ours = compared_pixels(score[None], truth[None]).pr_curve()
    precision, recall, threshold = precision_recall_curve(truth, score)
    keep = np.isin(threshold, ours.threshold)
    assert np.allclose(ours.threshold[::-1], threshold[keep])
    assert np.allclose(ours.precision[::-1], precision[:-1][keep])
    assert np.allclose(ours.recall[::-1], recall[:-1][keep])


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(400):
        interval = bootstrap_share(rng.random(60) < 0.7, n_bootstrap=400, seed=seed)
        inside += interval.low <= 0.7 <= interval.high
    assert inside / 400 > 0.90
    ours = wilson(7, 10)
    theirs = stats.binomtest(7, 10).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def _list(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": np.arange(n)[::-1] + 1, "rank": np.arange(n) + 1, "peak_score": 20.0 - np.arange(n)}
    )


def test_the_sample_is_stratified_repeatable_and_without_repeats():
    sample = draw_sample(_list(100), n=30, seed=3)
    assert dict(sample.strata) == {"top": 20, "middle": 40, "random": 40}
    assert sample.table["stratum"].value_counts().to_dict() == {
        "top": 12, "middle": 9, "random": 9,
    }  # fmt: skip
    assert sample.table["id"].is_unique
    assert sample.table.loc[sample.table["stratum"] == "top", "rank"].max() <= 20
    assert sample.table.equals(draw_sample(_list(100), n=30, seed=3).table)
    assert len(draw_sample(_list(4), n=30).table) == 4


def test_answers_lead_through_the_sample():
    sample = draw_sample(_list(10), n=5)
    first = sample.next_unanswered()
    after = sample.answer(first, "true")
    assert (sample.n_answered, after.n_answered) == (0, 1)
    assert after.next_unanswered() != first
    assert after.answer(first, "").next_unanswered() == first
    with pytest.raises(InputError, match="not in the sample"):
        sample.answer(999, "true")
    with pytest.raises(InputError, match="true, false or unsure"):
        sample.answer(first, "maybe")


def test_precision_is_weighted_by_the_strata_and_its_interval_covers():
    table = _list(200)
    true = (table["rank"] <= 60) | (table["rank"] % 4 == 0)
    known = dict(zip(table["id"], true, strict=True))
    values, inside = [], 0
    for seed in range(300):
        sample = draw_sample(table, n=40, seed=seed)
        answered = sample.table.copy()
        answered["verdict"] = ["true" if known[i] else "false" for i in answered["id"]]
        estimate = type(sample)(answered, sample.strata, seed).estimate()
        values.append(estimate.precision.value)
        inside += estimate.precision.low <= true.mean() <= estimate.precision.high
    assert np.mean(values) == pytest.approx(true.mean(), abs=0.01)
    assert 0.92 < inside / 300 <= 1.0


def test_a_list_checked_to_the_end_is_known():
    sample = draw_sample(_list(9), n=9)
    for grain in sample.table["id"]:
        sample = sample.answer(int(grain), "true" if grain % 3 else "false")
    precision = sample.estimate().precision
    assert precision.value == precision.low == precision.high == pytest.approx(6 / 9)


def test_caveats_say_what_is_unknown_and_recall_needs_known_grains():
    sample = draw_sample(_list(50), n=10)
    empty = sample.estimate()
    assert empty.precision.value is None
    assert empty.recall is None
    assert "not in it" in empty.caveat
    sample = sample.answer(sample.next_unanswered(), "unsure")
    estimate = sample.estimate(known=(3, 1))
    assert estimate.recall.value == 0.75
    assert "1 unsure" in estimate.caveat
    assert "without looking at the score map" in estimate.caveat
    with pytest.raises(InputError, match="no grain to check"):
        draw_sample(_list(0))


def test_a_sample_is_kept_on_disk(tmp_path):
    sample = draw_sample(_list(20), n=6, seed=1)
    sample = sample.answer(sample.next_unanswered(), "false")
    save_sample(tmp_path / "sample.json", sample)
    again = load_sample(tmp_path / "sample.json")
    assert again.table.equals(sample.table)
    assert (dict(again.strata), again.seed) == (dict(sample.strata), sample.seed)
    content = json.loads((tmp_path / "sample.json").read_text(encoding="utf-8"))
    for change, word in (({"kind": "x"}, "no sample"), ({"grains": [1]}, "damaged")):
        (tmp_path / "bad.json").write_text(json.dumps(content | change), encoding="utf-8")
        with pytest.raises(InputError, match=word):
            load_sample(tmp_path / "bad.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_sample(tmp_path / "none.json")
