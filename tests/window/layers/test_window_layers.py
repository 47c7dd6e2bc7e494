from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.layers import make as layers
from napari_mineral_anomaly.window.layers.coming.bring_back import removed_score_of
from napari_mineral_anomaly.window.layers.links import KEY, Link, link_of, relink
from napari_mineral_anomaly.window.layers.scans import cube_from_layers, find_scan, scans_in

LINK = Link("s", "score", scan="section", detector="rx")


def every_kind(pixel_size: tuple[float, float] | None) -> list[layers.LayerData]:
    """One of each layer that this plugin can make."""
    cube = ElementCube(np.ones((2, 4, 6), np.uint16), ["Fe", "Ca"], pixel_size=pixel_size)
    spatial = layers.spatial_kwargs(pixel_size)
    score = np.ones((4, 6), np.float32)
    common: dict[str, Any] = {"title": "rx", "link": LINK, "spatial": spatial}
    return [
        *layers.element_layers(cube, scan="section", scan_id="s"),
        layers.score_layer(score, 4.0, **common),
        layers.mask_layer(score > 0, **common),
        layers.pseudo_label_layer(np.ones((4, 6), np.uint16), **common),
        layers.truth_layer((4, 6), scan="section", scan_id="s", spatial=spatial),
    ]


def test_every_layer_lies_on_the_same_micrometres(viewer: ViewerModel) -> None:
    for data in every_kind((20.0, 25.0)):
        layers.add(viewer, data)
    assert len(viewer.layers) == 6
    for layer in viewer.layers:
        assert tuple(layer.scale) == (20.0, 25.0), layer.name
        assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"], layer.name
        assert tuple(layer.axis_labels) == ("y", "x"), layer.name
        assert layers.pixel_size_of(layer) == (20.0, 25.0), layer.name
    assert [str(unit) for unit in viewer.layers.extent.units] == ["micrometer", "micrometer"]


def test_an_unknown_pixel_size_gives_pixels_everywhere(viewer: ViewerModel) -> None:
    for data in every_kind(None):
        layers.add(viewer, data)
    assert [str(unit) for unit in viewer.layers.extent.units] == ["pixel", "pixel"]
    assert {layers.pixel_size_of(layer) for layer in viewer.layers} == {None}


def test_a_layer_for_a_moved_layer_lies_on_it() -> None:
    moved = Image(
        np.zeros((4, 6)), scale=(0.02, 0.02), units="mm", translate=(1.0, 2.0), rotate=30.0
    )
    mask = Layer.create(
        *layers.mask_layer(
            np.ones((4, 6), bool), title="x", link=LINK, spatial=layers.spatial_of(moved)
        )
    )
    corner = (3.0, 5.0)
    assert np.allclose(mask.data_to_world(corner), moved.data_to_world(corner))
    assert mask.units == moved.units
    assert layers.pixel_size_of(mask) == pytest.approx((20.0, 20.0))


def test_element_layers_share_the_memory_and_the_numbers_of_the_cube(cube: ElementCube) -> None:
    made = layers.element_layers(cube, scan="section", scan_id="s")
    assert len(made) == cube.n_elements
    for index, (data, kwargs, kind) in enumerate(made):
        assert kind == "image"
        assert data.dtype == np.uint16
        assert np.shares_memory(data, cube.maps[index])
        assert kwargs["visible"] == (index == 0)
        assert kwargs["name"] == f"{cube.elements[index]} · section"


def test_the_note_on_a_layer_is_small_json(cube: ElementCube) -> None:
    _, kwargs, _ = layers.element_layers(cube, scan="section", scan_id="s")[3]
    note = json.loads(json.dumps(kwargs["metadata"][KEY]))
    assert note["element"] == cube.elements[3]
    assert note["quantity"] == "counts"
    assert len(json.dumps(note)) < 500


def test_a_few_bright_pixels_of_a_trace_element_are_visible() -> None:
    plane = np.zeros((500, 500), np.uint16)
    plane[100, 100:104] = (3, 4, 6, 90)
    low, high = layers.contrast_limits(plane)
    assert low == 0
    assert 3 <= high <= 6, "one hot pixel does not hide the other grains"


def test_contrast_limits_survive_missing_and_constant_numbers() -> None:
    plane = np.full((50, 50), np.nan, np.float32)
    assert layers.contrast_limits(plane) == (0.0, 1.0)
    plane[:25] = 7.0
    assert layers.contrast_limits(plane) == (7.0, 8.0)


def test_the_score_is_dark_below_the_threshold_whatever_its_range() -> None:
    score = np.array([[-2.0, 0.0, 4.0, 500.0]], np.float32)
    data, kwargs, _ = layers.score_layer(
        score, 4.0, title="x", link=LINK, spatial=layers.spatial_kwargs(None)
    )
    assert kwargs["contrast_limits"] == (0.0, 12.0)
    assert data is score


def test_a_foreign_layer_has_no_note() -> None:
    layer = Image(np.zeros((4, 6)))
    assert link_of(layer) is None
    layer.metadata[KEY] = "something else"
    assert link_of(layer) is None
    relink(layer, threshold=3.0)
    assert layer.metadata[KEY] == "something else"


def test_a_note_survives_entries_of_a_later_version() -> None:
    layer = Image(np.zeros((4, 6)), metadata=LINK.metadata())
    layer.metadata[KEY]["from the future"] = 1
    assert link_of(layer) == LINK
    relink(layer, threshold=3.0)
    assert link_of(layer) == replace(LINK, threshold=3.0)


def test_cube_from_layers_is_the_cube_without_a_copy(
    scanned: ViewerModel, scan_id: str, section: SimulatedSection
) -> None:
    cube = cube_from_layers(scanned, scan_id)
    assert cube.elements == section.cube.elements
    assert cube.pixel_size == section.cube.pixel_size
    assert cube.quantity == "counts"
    assert np.shares_memory(cube.maps, section.cube.maps)
    assert np.array_equal(cube.maps, section.cube.maps)


def test_a_deleted_element_layer_is_left_out(
    scanned: ViewerModel, scan_id: str, section: SimulatedSection
) -> None:
    kept = [name for name in section.cube.elements if name != "Ca"]
    del scanned.layers["Ca · section"]
    cube = cube_from_layers(scanned, scan_id)
    assert cube.elements == tuple(kept)
    assert isinstance(cube.maps, da.Array), "the planes no longer lie side by side"
    index = section.cube.elements.index("Zr")
    assert np.array_equal(cube.plane(kept.index("Zr")), section.cube.plane(index))
    assert find_scan(scanned, scan_id).elements == tuple(kept)


def test_renaming_a_layer_changes_nothing(
    scanned: ViewerModel, scan_id: str, section: SimulatedSection
) -> None:
    scanned.layers["Ca · section"].name = "Calcium, look here"
    assert cube_from_layers(scanned, scan_id).elements == section.cube.elements


def test_the_pixel_size_that_the_user_set_in_napari_counts(
    scanned: ViewerModel, scan_id: str
) -> None:
    for layer in scanned.layers:
        layer.scale = (0.005, 0.01)
        layer.units = ("mm", "mm")
    assert cube_from_layers(scanned, scan_id).pixel_size == pytest.approx((5.0, 10.0))


def test_maps_of_different_dtypes_are_stacked_without_loss(viewer: ViewerModel) -> None:
    planes = [np.full((4, 6), 65_535, np.uint16), np.full((4, 6), 0.25, np.float32)]
    for element, plane in zip(("Fe", "Ca"), planes, strict=True):
        link = Link("s", "element", scan="x", element=element)
        layers.add(viewer, (plane, {"metadata": link.metadata()}, "image"))
    cube = cube_from_layers(viewer, "s")
    assert cube.plane(0).max() == 65_535
    assert cube.plane(1).max() == 0.25


def test_layers_of_different_shapes_are_refused_with_their_shapes(
    scanned: ViewerModel, scan_id: str
) -> None:
    scanned.layers["Ca · section"].data = np.zeros((10, 12), np.uint16)
    with pytest.raises(InputError, match="10x12, 64x96"):
        cube_from_layers(scanned, scan_id)


def test_a_scan_without_layers_is_no_scan(scanned: ViewerModel, scan_id: str) -> None:
    assert [scan.scan_id for scan in scans_in(scanned)] == [scan_id]
    scanned.layers.clear()
    assert scans_in(scanned) == []
    with pytest.raises(InputError, match="load the scan again"):
        cube_from_layers(scanned, scan_id)


def test_nothing_below_a_score_is_seen_where_it_has_no_number() -> None:
    look = layers.score_layer(
        np.array([[np.nan, 1.0]], np.float32), 4.0, title="rx", link=LINK,
        spatial=layers.spatial_kwargs(None),
    )[1]  # fmt: skip
    grey = np.array([0x8C, 0x8C, 0x8C, 0xFF]) / 255
    assert np.allclose(look["colormap"].map(np.array([np.nan]))[0], grey, atol=1e-3)


def test_a_score_comes_back_below_its_mask() -> None:
    viewer = ViewerModel()
    removed = removed_score_of(viewer)
    for data in every_kind(None):
        layers.add(viewer, data)
    score, mask, others = viewer.layers[2], viewer.layers[3], list(viewer.layers[:2])
    relink(mask, score_id=str(score.unique_id))
    viewer.layers.remove(score)
    viewer.layers.remove(others[0])
    removed.bring_back()
    assert viewer.layers.index(score) == viewer.layers.index(mask) - 1
