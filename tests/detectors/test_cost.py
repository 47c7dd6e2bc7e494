"""What the warning about slow detectors says; the seconds themselves are a benchmark's business."""

from __future__ import annotations

import pytest

from napari_mineral_anomaly.detectors.cost import about, slow_sentence
from napari_mineral_anomaly.detectors.registry import detector_names, make_config

SLOW = (
    *("local-rx", "crd", "knn", "iforest", "inne", "consensus"),
    *("auto-ad", "dfan", "msfa", "msfa-paper"),
)


@pytest.mark.parametrize("name", SLOW)
def test_time_grows_with_pixels_and_elements(name: str) -> None:
    config = make_config(name)
    small = config.expected_seconds(100_000, 10)
    large = config.expected_seconds(1_000_000, 10)
    assert small is not None
    assert large is not None
    assert 0 < small.score * 9 < large.score < small.score * 11
    more_elements = config.expected_seconds(100_000, 30)
    assert more_elements is not None
    assert more_elements.total >= small.total


def test_fit_and_score_are_told_apart() -> None:
    dfan = make_config("dfan").expected_seconds(1_000_000, 10)
    assert dfan is not None
    assert dfan.fit > 5 * dfan.score
    assert dfan.total == dfan.fit + dfan.score
    # Trained on windows: five times the scan costs little more to fit.
    larger = make_config("dfan").expected_seconds(5_000_000, 10)
    assert larger is not None
    assert larger.fit < 1.5 * dfan.fit
    auto_ad = make_config("auto-ad").expected_seconds(1_000_000, 10)
    assert auto_ad is not None
    assert auto_ad.fit == 0  # a network of its own for every scan that is scored


def test_parameters_that_cost_time_count() -> None:
    def total(name: str, **parameters: int) -> float:
        expected = make_config(name, **parameters).expected_seconds(100_000, 10)
        assert expected is not None
        return expected.total

    assert total("auto-ad", channels=128) > 8 * total("auto-ad", channels=32)
    assert total("auto-ad", epochs=100) < 0.2 * total("auto-ad")
    assert total("crd", outer=31) > 4 * total("crd")
    assert total("dfan", pre_epochs=2000) > 2 * total("dfan")
    assert total("knn", sample=20_000) == 2 * total("knn")
    assert total("iforest", trees=2000) > 8 * total("iforest")
    assert total("inne", sets=2000) > 8 * total("inne")
    assert total("consensus") > total("knn") + total("iforest")
    assert total("msfa-paper", epochs=1500) > 8 * total("msfa-paper")
    assert total("msfa", epochs=1200) > 6 * total("msfa")
    assert total("msfa", quick=True) < 0.2 * total("msfa")


@pytest.mark.parametrize(
    "name",
    ["crd", "local-rx", "knn", "inne", "consensus", "auto-ad", "dfan", "msfa", "msfa-paper"],
)
def test_a_large_scan_is_warned_about_with_the_default_parameters(name: str) -> None:
    expected = make_config(name).expected_seconds(2_400_000, 20)
    assert expected is not None
    assert slow_sentence(name, expected.total, 2_400_000).startswith(f"{name} may take about")


def test_fast_detectors_are_not_warned_about() -> None:
    # mcd searches a sample: slow only with many bands, whatever the size of the scan.
    fast = set(detector_names()) - {*SLOW, "mcd"}
    assert {"rx", "ddc", "pca"} <= fast
    for name in fast:
        assert make_config(name).expected_seconds(10_000_000, 40) is None


def test_mcd_is_slow_with_many_bands_only() -> None:
    def total(n_pixels: int, n_elements: int) -> float:
        expected = make_config("mcd").expected_seconds(n_pixels, n_elements)
        assert expected is not None
        return expected.total

    assert slow_sentence("mcd", total(10_000_000, 40), 10_000_000) == ""
    assert total(10_000_000, 40) == total(100_000, 40)
    assert slow_sentence("mcd", total(100_000, 300), 100_000).startswith("mcd may take about 1 m")


def test_the_sentence_comes_only_for_what_takes_long() -> None:
    assert slow_sentence("CRD", 59.0, 1000) == ""
    sentence = slow_sentence("CRD", 4000.0, 2_400_000)
    assert sentence.startswith("CRD may take about 67 minutes on this scan of 2,400,000 pixels")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (61, "1 minute"),
        (600, "10 minutes"),
        (5400, "2 hours"),
        (36_000, "10 hours"),
        (130_000, "2 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert about(seconds) == words
