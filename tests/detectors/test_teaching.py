"""Teaching: the taught mineral leaves the first rows, all other pixels keep their score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.bundle import load_model, save_model
from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection, teach_run
from napari_mineral_anomaly.detectors.registry import detector_entry, make_config, make_detector
from napari_mineral_anomaly.detectors.teaching.mixtures import Noise, Signature, unexplained
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

TOUCHING = np.ones((3, 3), dtype=bool)
# No seed that the constants were chosen on.
SEED, SHAPE = 14, (160, 160)


@pytest.fixture(scope="module")
def section() -> tuple[ElementCube, NDArray[np.int32], dict[int, str]]:
    """A scan, its grains by number, and their minerals."""
    made = simulate_section("easy", shape=SHAPE, seed=SEED)
    labels = np.asarray(ndimage.label(made.truth, TOUCHING)[0])
    minerals: dict[int, set[str]] = {}
    places = made.grains[["centroid_y_px", "centroid_x_px"]].round().to_numpy(dtype=int)
    for (y, x), mineral in zip(places, made.grains["mineral"], strict=True):
        label = int(labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max())
        if label:
            minerals.setdefault(label, set()).add(mineral)
    return made.cube, labels, {k: v.pop() for k, v in minerals.items() if len(v) == 1}


def _run(cube: ElementCube, detector: str) -> DetectionRun:
    quick = {"quick": True} if detector == "msfa" else {}
    return run_detection(cube, detector, make_config(detector, **quick))


@pytest.mark.parametrize("detector", ["rx", "pca", "msfa"])
def test_the_taught_mineral_leaves_the_list_and_the_others_stay(section, detector: str) -> None:
    cube, labels, minerals = section
    run = _run(cube, detector)
    score, threshold = run.result.score, run.result.threshold
    peak = {one: float(score[labels == one].max()) for one in minerals}
    seen = [one for one in minerals if peak[one] >= threshold]
    pairs = [
        (one, other)
        for one in seen
        for other in seen
        if one != other and minerals[one] == minerals[other]
    ]
    assert len(pairs) >= 4
    fell = 0
    for one, other in pairs:
        taught = ndimage.binary_dilation(labels == one, TOUCHING)
        after = teach_run(cube, run, taught).result.score
        assert after[labels == one].max() <= 0
        fell += float(after[labels == other].max()) < threshold
        strangers = [grain for grain in seen if minerals[grain] != minerals[one]]
        ranks = [
            sorted(strangers, key=lambda k, s=s: -s[labels == k].max()) for s in (score, after)
        ]
        assert ranks[0] == ranks[1]
        assert all(after[labels == k].max() >= threshold for k in strangers)
    assert fell >= 0.7 * len(pairs)


def test_teaching_only_lowers_and_leaves_the_untouched_result_alone(section) -> None:
    cube, labels, _ = section
    run = _run(cube, "rx")
    before, drivers = run.result.score.copy(), np.array(run.result.contributions)
    taught = labels == 1
    new = teach_run(cube, run, taught).result
    np.testing.assert_array_equal(run.result.score, before)
    np.testing.assert_array_equal(run.result.contributions, drivers)
    assert np.all(new.score <= before)
    # Ninety-nine of a hundred pixels keep their score exactly.
    assert np.mean(new.score == before) > 0.99
    assert new.threshold == run.result.threshold
    # What is explained is no excess over the background any more.
    assert np.all(new.contributions[:, taught] == 0)
    assert new.info["detector"] == "rx+taught"
    assert new.info["taught_from"] == "rx"
    assert new.info["taught_pixels"] == taught.sum() == new.taught.sum()


def test_the_same_teaching_gives_the_same_numbers(section) -> None:
    cube, labels, _ = section
    run = _run(cube, "rx")
    one, two = (teach_run(cube, run, labels == 1).result for _ in range(2))
    np.testing.assert_array_equal(one.score, two.score)


def test_a_taught_model_is_saved_and_scores_another_section(section, tmp_path: Path) -> None:
    cube, labels, _ = section
    run = _run(cube, "rx")
    taught = teach_run(cube, run, ndimage.binary_dilation(labels == 1, TOUCHING))
    fitted = load_model(save_model(taught.fitted, tmp_path / "model"))
    assert fitted.name == "rx+taught"
    again = fitted.score(cube)
    # The brushed pixels belong to their scan; everything else falls as it did.
    elsewhere = ~taught.result.taught
    np.testing.assert_allclose(again.score[elsewhere], taught.result.score[elsewhere], atol=1e-5)


def test_concentrations_can_be_taught_too(section) -> None:
    cube, labels, minerals = section
    percent = cube.replace(
        maps=np.asarray(cube.maps, dtype=np.float32) / 50, quantity="concentration"
    )
    run = _run(percent, "rx")
    one, other = next(
        (a, b) for a in minerals for b in minerals if a < b and minerals[a] == minerals[b]
    )
    after = teach_run(percent, run, ndimage.binary_dilation(labels == one, TOUCHING)).result.score
    assert after[labels == one].max() <= 0
    assert after[labels == other].max() < run.result.score[labels == other].max()


def test_what_cannot_be_taught_is_refused_in_a_sentence(section) -> None:
    cube, labels, _ = section
    run = _run(cube, "rx")
    with pytest.raises(InputError, match="brush a grain first"):
        teach_run(cube, run, np.zeros(SHAPE, dtype=bool))
    with pytest.raises(InputError, match="nothing is left to compare with"):
        teach_run(cube, run, np.ones(SHAPE, dtype=bool))
    with pytest.raises(InputError, match="both must be of the same scan"):
        teach_run(cube, run, np.ones((3, 4), dtype=bool))
    with pytest.raises(InputError, match="teach the untouched result"):
        teach_run(cube, teach_run(cube, run, labels == 1), labels == 2)
    with pytest.raises(InputError, match="run rx, then teach"):
        make_detector("rx+taught").fit(cube)
    assert detector_entry("rx+taught").title == "taught RX (Reed-Xiaoli)"


def test_a_mixture_of_host_and_signature_is_explained_whatever_its_shares() -> None:
    noise = Noise(np.ones(3, dtype=np.float32), 1.0, 0.0)
    host = np.array([[100.0, 20.0, 1.0], [5.0, 200.0, 1.0]], dtype=np.float32)
    signature = Signature(np.array([0.0, 10.0, 80.0], np.float32), np.zeros(3, np.float32))
    shares = np.array([[0.7, 0.5], [1.0, 0.0], [0.0, 2.0], [0.9, 0.1]], dtype=np.float32)
    pixels = shares[:, :1] * host[:1] + shares[:, 1:] * signature.mean
    np.testing.assert_allclose(unexplained(pixels, host, signature, noise), 0, atol=1e-6)
    # Without the signature its part is left over; a strange element is left over with it, too.
    alone = unexplained(pixels, host, None, noise)
    assert alone[1] == pytest.approx(0, abs=1e-6)
    assert np.all(alone[[0, 2]] > 30)
    strange = pixels + np.array([0.0, 0.0, -60.0], dtype=np.float32)
    assert unexplained(strange, host, signature, noise)[1] > 30
