from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.layers.links import link_of, linked_layers
from napari_mineral_anomaly.window.layers.results import show_result
from napari_mineral_anomaly.window.layers.scans import cube_from_layers, find_scan
from napari_mineral_anomaly.window.layers.session import mask_of, session_of


@pytest.fixture(scope="module")
def rx_run(section: SimulatedSection) -> DetectionRun:
    return run_detection(section.cube, "rx", make_config("rx"))


def roles(viewer: ViewerModel) -> list[str]:
    return [link.role for _, link in linked_layers(viewer) if link.role != "element"]


def show(viewer: ViewerModel, scan_id: str, run: DetectionRun) -> object:
    return show_result(viewer, session_of(viewer), find_scan(viewer, scan_id), run)


def test_a_result_becomes_registered_layers_with_the_numbers_of_the_run(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    shown = show(scanned, scan_id, rx_run)
    assert roles(scanned) == ["pseudo_labels", "score", "mask"]
    assert np.array_equal(shown.score.data, rx_run.result.score, equal_nan=True)
    assert np.array_equal(shown.mask.data != 0, rx_run.result.mask)
    for layer in scanned.layers:
        assert tuple(layer.scale) == rx_run.result.pixel_size
        assert str(layer.units[0]) == "micrometer"
    assert [str(unit) for unit in scanned.layers.extent.units] == ["micrometer"] * 2
    assert session_of(scanned).run_of(link_of(shown.score)) is rx_run


def test_a_second_run_updates_the_layers_of_the_first_and_keeps_the_strokes(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    first = show(scanned, scan_id, rx_run)
    y, x = np.argwhere(~rx_run.result.mask)[5]
    first.mask.data_setitem((np.array([y]), np.array([x])), 1)
    result = replace(rx_run.result, score=rx_run.result.score * 2, threshold=6.0)
    second = show(scanned, scan_id, replace(rx_run, result=result))
    assert second.score is first.score
    assert second.mask is first.mask
    assert roles(scanned) == ["pseudo_labels", "score", "mask"]
    expected = result.mask.copy()
    assert not expected[y, x]
    expected[y, x] = True
    assert np.array_equal(second.mask.data != 0, expected)
    assert tuple(second.score.contrast_limits) == (0.0, 18.0)
    assert session_of(scanned).count_mask(second.score, second.mask).brushed == 1


def test_another_detector_gets_layers_of_its_own(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    show(scanned, scan_id, rx_run)
    robust = run_detection(cube_from_layers(scanned, scan_id), "rx", make_config("rx"))
    robust.fitted.name = "msfa"  # stands in for a second detector
    show(scanned, scan_id, robust)
    assert roles(scanned) == ["pseudo_labels", "score", "mask"] * 2


def test_a_removed_result_layer_comes_back_with_the_next_run(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    shown = show(scanned, scan_id, rx_run)
    scanned.layers.remove(shown.mask)
    again = show(scanned, scan_id, rx_run)
    assert again.score is shown.score
    assert mask_of(scanned, again.score) is again.mask


def test_a_result_outlives_the_element_layers_and_lies_where_they_lay(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    scan = find_scan(scanned, scan_id)
    scanned.layers.clear()
    shown = show_result(scanned, session_of(scanned), scan, rx_run)
    assert not shown.scan_is_there
    assert tuple(shown.score.scale) == rx_run.result.pixel_size


def test_a_result_of_another_shape_is_refused(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    for layer in scanned.layers:
        layer.data = layer.data[:30]
    with pytest.raises(InputError, match="30 × 96"):
        show(scanned, scan_id, rx_run)
    assert roles(scanned) == []


def test_the_session_lets_go_of_a_run_with_its_last_layer(
    scanned: ViewerModel, scan_id: str, section: SimulatedSection
) -> None:
    run = run_detection(section.cube, "rx", make_config("rx"))
    shown = show(scanned, scan_id, run)
    heard: list[int] = []
    session = session_of(scanned)
    session.changed.connect(lambda: heard.append(1))
    contributions = weakref.ref(run.result.contributions)
    del run
    score_link = link_of(shown.score)
    for layer in (shown.mask, shown.score):
        scanned.layers.remove(layer)
    assert session.run_of(score_link) is not None, "the pseudo-labels are still there"
    assert heard == []
    scanned.layers.remove(next(layer for layer, _ in linked_layers(scanned, role="pseudo_labels")))
    assert session.run_of(score_link) is None
    assert heard == [1]
    gc.collect()
    assert contributions() is None


def test_a_session_belongs_to_its_viewer_and_goes_with_it(qapp: object) -> None:
    other, viewer = ViewerModel(), ViewerModel()
    session = session_of(viewer)
    assert session_of(PublicOnlyProxy(viewer)) is session
    assert session_of(other) is not session
    alive = weakref.ref(session)
    del viewer, session
    gc.collect()
    assert alive() is None
