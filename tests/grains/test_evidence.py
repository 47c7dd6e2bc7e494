"""The evidence card of one grain, against numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.evidence import prepare_evidence
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

ELEMENTS = ("Fe", "Zr", "Si")
SHAPE = (40, 50)


@pytest.fixture(scope="module")
def scan() -> tuple[ElementCube, AnomalyResult]:
    rng = np.random.default_rng(0)
    maps = rng.poisson(20, (3, *SHAPE)).astype(np.uint16)
    maps[1, 20, 10:12] = 100
    score = rng.normal(size=SHAPE).astype(np.float32)
    score[20, 10:12] = 12.0, 8.0
    contributions = ((maps - 20.0) / np.sqrt(20)).astype(np.float32)
    labels = np.full(SHAPE, 2, np.uint16)
    cube = ElementCube(maps, ELEMENTS, (10.0, 20.0), np.ones(SHAPE, bool), "counts")
    return cube, AnomalyResult(score, 6.0, contributions, labels, ELEMENTS, (10.0, 20.0))


def test_element_bars_hold_grain_ring_and_scan(scan):
    cube, result = scan
    source = prepare_evidence(cube, result, n_rows=0)
    evidence = source.of(1)
    table = evidence.elements.set_index("element")
    assert evidence.elements["element"][0] == "Zr"
    ring = np.zeros(SHAPE, dtype=bool)
    ring[16:25, 6:16] = True
    ring[19:22, 9:13] = False
    zr = cube.maps[1]
    row = table.loc["Zr"]
    assert source.details.ring.size.tolist() == [ring.sum()]
    assert row["grain_mean"] == 100
    assert row["grain_error"] == pytest.approx(np.sqrt(100 / 2))
    assert row["ring_mean"] == pytest.approx(zr[ring].mean())
    assert row["ring_error"] == pytest.approx(np.sqrt(zr[ring].mean() / ring.sum()))
    assert row["scan_median"] == np.median(zr)
    around = (zr[ring].astype(float) - 20) / np.sqrt(20)
    by_detector = (80 / np.sqrt(20) - around.mean()) / max(around.std(), 1)
    assert by_detector > row["ring_sigmas"] > 8
    # No more than the map shows.
    assert row["contribution"] == pytest.approx(row["ring_sigmas"], rel=1e-5)
    assert abs(table.loc["Fe", "ring_sigmas"]) < 4
    assert evidence.peak_score == 12.0


def test_thumbnails_lie_where_they_say(scan):
    cube, result = scan
    first = prepare_evidence(cube, result).of(1).thumbnails[0]
    assert first.element == "Zr"
    assert np.array_equal(first.image, cube.maps[1, first.rows, first.columns])
    y, x = np.argwhere(first.outline).T
    assert (y + first.rows.start).tolist() == [20, 20]
    assert (x + first.columns.start).tolist() == [10, 11]
    x_min, x_max, y_min, y_max = first.extent
    assert x_max - x_min == pytest.approx(first.image.shape[1] * 20.0)
    assert (y_min, y_max) == ((first.rows.start - 0.5) * 10, (first.rows.stop - 0.5) * 10)


def test_the_histogram_counts_all_valid_pixels_and_the_rank_of_the_grain(scan):
    cube, result = scan
    histogram = prepare_evidence(cube, result).of(1).histogram
    assert histogram.counts.sum() == result.score.size
    assert histogram.edges.size == histogram.counts.size + 1
    assert histogram.rank_share == 0.0
    assert histogram.threshold == 6.0


def test_flags_and_hints_are_those_of_the_table():
    section = simulate_section("artefacts", (120, 140), 11)
    result = detect(section.cube, "rx")
    table = find_grains(result, cube=section.cube)
    source = prepare_evidence(section.cube, result)
    assert len(table) > 3
    for row in table.to_dict("records"):
        evidence = source.of(row["id"])
        assert "; ".join(evidence.flags) == row["flags"]
        names = [hint.name for hint in evidence.minerals]
        # Hints that tie stand in one text.
        assert row["mineral_hint"].split(" or ")[0] == (names[0] if names else "")
        assert all(name in f"{row['mineral_hint']}, {row['mineral_others']}" for name in names)
        assert evidence.peak_score == pytest.approx(row["peak_score"])
        assert len(evidence.sentences) >= 1
        assert sum(share for _, share in evidence.neighbours) <= 1 + 1e-9


def test_a_scan_without_spectra_and_unknown_grains(scan):
    cube, result = scan
    source = prepare_evidence(cube, result, n_rows=0)
    assert source.spectrum(1) is None
    with pytest.raises(InputError, match="no grain 7"):
        source.of(7)
    with pytest.raises(InputError, match="Fe, Zr"):
        prepare_evidence(ElementCube(cube.maps[:2], ("Fe", "Zr")), result)


def test_a_grain_without_ordinary_surroundings_says_so(scan):
    cube, result = scan
    source = prepare_evidence(cube, result, mask=np.ones(SHAPE), n_rows=0)
    evidence = source.of(1)
    assert source.details.ring.size.tolist() == [0]
    assert any("no ordinary pixel" in sentence for sentence in evidence.sentences)
    assert evidence.elements["ring_sigmas"].eq(0).all()


def test_a_grain_without_ordinary_surroundings_is_compared_with_the_scan(scan):
    cube, result = scan
    maps, valid = cube.maps.copy(), np.ones(SHAPE, dtype=bool)
    maps[1, :, :15] = 100
    valid[:, 15] = False
    score = np.where(valid, result.score, np.nan).astype(np.float32)
    contributions = np.where(valid, (maps - 20.0) / np.sqrt(20), np.nan).astype(np.float32)
    source = prepare_evidence(
        ElementCube(maps, ELEMENTS, (10.0, 20.0), valid, "counts"),
        AnomalyResult(score, 6.0, contributions, result.pseudo_labels, ELEMENTS, (10.0, 20.0)),
        mask=valid,
        n_rows=0,
    )
    grain = source.grains.regions.labels[20, 10]
    assert source.details.ring.size[grain - 1] == 0
    evidence = source.of(grain)
    excess = evidence.elements.set_index("element")["scan_sigmas"]
    assert excess.index[0] == "Zr"
    assert excess["Zr"] > 8
    assert excess.abs().is_monotonic_decreasing
    first = evidence.thumbnails[0]
    assert (first.element, first.sigmas) == ("Zr", excess["Zr"])
