"""What napari itself calls: manifest, reader, writers, samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Layer
from npe2 import PluginManifest

import napari_mineral_anomaly
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.results import (
    write_labels,
    write_map,
    write_mask,
    write_score,
    write_stack,
)
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.kit.opening import LAB, WORKBENCH
from napari_mineral_anomaly.window.layers.links import Link, link_of
from napari_mineral_anomaly.window.layers.make import add, spatial_kwargs
from napari_mineral_anomaly.window.layers.scans import cube_from_layers, scans_in
from napari_mineral_anomaly.window.loading import simulated
from napari_mineral_anomaly.window.plugin import reader as _reader
from napari_mineral_anomaly.window.plugin import sample_data
from napari_mineral_anomaly.window.plugin import writer as _writer

MANIFEST = Path(napari_mineral_anomaly.__file__).with_name("napari.yaml")
SIZE = (20.0, 25.0)


def layers_of_file(path: Path) -> list[Layer]:
    reader = _reader.get_reader(str(path))
    assert reader is not None, path
    return [Layer.create(*data) for data in reader(str(path))]


# Manifest


def test_the_manifest_is_valid_and_every_command_exists() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted([WORKBENCH, *LAB])


def test_napari_asks_us_about_every_kind_of_file_that_the_load_dock_lists() -> None:
    from fnmatch import fnmatch

    from napari_mineral_anomaly.io.formats.registry import PICTURE
    from napari_mineral_anomaly.window.workbench.steps.open_step import FILE_FILTER

    [reader] = PluginManifest.from_file(MANIFEST).contributions.readers
    patterns = set(FILE_FILTER.split("(")[1].split(")")[0].lower().split())
    photos = {f"*{ending}" for ending in PICTURE.endings}
    assert photos <= patterns
    assert photos.isdisjoint(reader.filename_patterns)  # it would ask at every photo
    assert len(patterns - photos) > 25
    for pattern in patterns - photos:
        file = pattern.replace("*", "scan")
        assert any(fnmatch(file, known) for known in reader.filename_patterns), pattern


def test_docks_are_in_the_plugins_menu_only() -> None:
    # napari lists the docks of a manifest below *Plugins* by itself.
    contributions = PluginManifest.from_file(MANIFEST).contributions
    assert contributions.widgets
    assert not contributions.menus


def test_the_manifest_at_the_top_is_the_one_of_the_package() -> None:
    top = Path(__file__).parents[3] / "napari.yaml"
    assert top.resolve() == MANIFEST.resolve()


# Reader


def test_a_dropped_folder_of_maps_is_a_scan_that_can_be_analysed(
    viewer: ViewerModel, scan_folder: Path, section: SimulatedSection
) -> None:
    reader = _reader.get_reader(str(scan_folder))
    for data in reader(str(scan_folder)):
        add(viewer, data)
    [scan] = scans_in(viewer)
    assert scan.name == "scan"
    cube = cube_from_layers(viewer, scan.scan_id)
    assert set(cube.elements) == set(section.cube.elements)
    assert cube.pixel_size == section.cube.pixel_size
    assert [str(unit) for unit in viewer.layers.extent.units] == ["micrometer"] * 2
    gold = viewer.layers["Au · scan"].data
    assert np.array_equal(gold, section.cube.plane(section.cube.elements.index("Au")))


def test_the_reader_tells_what_it_left_out(
    scan_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()
    (scan_folder / "notes.txt").write_text("hello")
    _reader.read_as_layers(str(scan_folder))
    told = " ".join(record.message for record in notification_manager.records)
    assert "notes.txt" in told


@pytest.mark.parametrize("name", ["holiday.tif", "notes.txt", "missing.tif", "broken.tif"])
def test_files_that_are_not_for_us_are_left_to_napari(name: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "holiday.tif", np.zeros((8, 9, 3), np.uint8), photometric="rgb")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken.tif").write_bytes(b"II*\0not a tiff at all")
    assert _reader.get_reader(str(tmp_path / name)) is None


def test_an_image_without_an_element_and_an_empty_folder_are_left_to_napari(
    tmp_path: Path,
) -> None:
    tifffile.imwrite(tmp_path / "photo.tif", np.zeros((8, 9), np.uint16))
    assert _reader.get_reader(str(tmp_path / "photo.tif")) is None
    (tmp_path / "empty").mkdir()
    assert _reader.get_reader(str(tmp_path / "empty")) is None


def test_a_single_map_named_by_its_file_or_inside_is_a_scan(tmp_path: Path) -> None:
    plane = np.arange(1, 73, dtype=np.uint16).reshape(8, 9)
    for name in ("Fe.tif", "S1.tif"):
        write_map(tmp_path / name, plane, "Fe", SIZE)
        [layer] = layers_of_file(tmp_path / name)
        assert link_of(layer).element == "Fe"
        assert np.array_equal(layer.data, plane)
        assert tuple(layer.scale) == SIZE


def test_a_stack_of_named_elements_is_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.tif"
    planes = np.arange(3 * 4 * 6, dtype=np.float32).reshape(3, 4, 6)
    write_stack(path, planes, ["Fe", "Ca", "Zr"], SIZE)
    layers = layers_of_file(path)
    assert [link_of(layer).element for layer in layers] == ["Fe", "Ca", "Zr"]
    assert np.array_equal(layers[2].data, planes[2])
    assert {tuple(layer.scale) for layer in layers} == {SIZE}


def test_our_own_files_come_back_with_numbers_kind_and_micrometres(tmp_path: Path) -> None:
    score = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    score[0, 0] = np.nan
    labels = np.arange(48).reshape(6, 8) % 5
    write_score(tmp_path / "S1_score.tif", score, SIZE)
    write_mask(tmp_path / "anomaly_mask.tif", score > 1, SIZE)
    write_labels(tmp_path / "pseudo_labels.tif", labels, SIZE, title="Pseudo-labels")
    truth = np.where(labels > 1, 255, labels)
    write_labels(tmp_path / "truth.tif", truth, SIZE, title="Ground truth")
    expected: dict[str, tuple[str, str, Any]] = {
        "S1_score.tif": ("image", "score", score),
        "anomaly_mask.tif": ("labels", "mask", np.where(score > 1, 255, 0)),
        "pseudo_labels.tif": ("labels", "pseudo_labels", labels),
        "truth.tif": ("labels", "truth", np.where(labels > 1, 255, labels)),
    }
    for name, (kind, role, numbers) in expected.items():
        [layer] = layers_of_file(tmp_path / name)
        assert layer.as_layer_data_tuple()[2] == kind
        assert link_of(layer).role == role
        assert np.array_equal(layer.data, numbers, equal_nan=kind == "image")
        assert tuple(layer.scale) == pytest.approx(SIZE)
        assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
        assert tuple(layer.axis_labels) == ("y", "x")
        assert layer.visible


# Writer


def saved(layer: Layer, path: Path) -> Layer:
    """The layer after it was saved by our writer and opened by our reader."""
    data, attributes, kind = layer.as_layer_data_tuple()
    write = _writer.write_image if kind == "image" else _writer.write_labels_layer
    assert write(str(path), data, attributes) == [str(path)]
    [again] = layers_of_file(path)
    return again


@pytest.mark.parametrize("ending", [".tif", ".ome.tif"])
@pytest.mark.parametrize("role", ["score", "mask", "pseudo_labels", "truth"])
def test_a_saved_layer_comes_back_under_any_name(role: str, ending: str, tmp_path: Path) -> None:
    from napari_mineral_anomaly.window.layers import make as layers

    common: dict[str, Any] = {
        "title": "x",
        "link": Link("s", "score"),
        "spatial": spatial_kwargs(SIZE),
    }
    numbers = np.arange(48).reshape(6, 8) % 3
    made = {
        "score": layers.score_layer(numbers.astype(np.float32) / 7, 3.0, **common),
        "mask": layers.mask_layer(numbers > 0, **common),
        "pseudo_labels": layers.pseudo_label_layer(numbers.astype(np.uint16), **common),
        "truth": layers.truth_labels(numbers.astype(np.uint8), **common),
    }[role]
    again = saved(Layer.create(*made), tmp_path / f"named by me{ending}")
    expected = {
        "score": numbers.astype(np.float32) / 7,
        "mask": np.where(numbers > 0, 255, 0),
        "pseudo_labels": numbers,
        "truth": np.where(numbers == 2, 255, numbers),
    }[role]
    assert np.array_equal(again.data, expected)
    assert link_of(again).role == role
    assert tuple(again.scale) == pytest.approx(SIZE)


def test_an_element_map_is_saved_in_its_own_numbers(
    scanned: ViewerModel, tmp_path: Path, section: SimulatedSection
) -> None:
    layer = scanned.layers["Zr · section"]
    data, attributes, _ = layer.as_layer_data_tuple()
    path = tmp_path / "Zr.tif"
    _writer.write_image(str(path), data, attributes)
    with tifffile.TiffFile(path) as tif:
        assert tif.asarray().dtype == np.uint16
        assert np.array_equal(tif.asarray(), layer.data)
    from napari_mineral_anomaly import read_maps

    cube = read_maps(path)
    assert cube.elements == ("Zr",)
    assert cube.pixel_size == section.cube.pixel_size


def test_a_layer_in_millimetres_is_saved_in_micrometres(tmp_path: Path) -> None:
    layer = Layer.create(
        np.ones((4, 6), np.float32),
        {
            "scale": (0.02, 0.025),
            "units": ("mm", "mm"),
            "metadata": Link("s", "score").metadata(),
        },
        "image",
    )
    assert tuple(saved(layer, tmp_path / "a.tif").scale) == pytest.approx(SIZE)


def test_a_volume_is_refused_in_a_sentence(tmp_path: Path) -> None:
    layer = Layer.create(np.zeros((3, 4, 5), np.float32), {}, "image")
    data, attributes, _ = layer.as_layer_data_tuple()
    with pytest.raises(InputError, match="rows and columns"):
        _writer.write_image(str(tmp_path / "a.tif"), data, attributes)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_opened_is_never_written_over(scan_folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in scan_folder.iterdir()}
    [layer] = [layer for layer in layers_of_file(scan_folder) if link_of(layer).element == "Zr"]
    data, attributes, _ = layer.as_layer_data_tuple()
    for name, sentence in (("Zr.tif", "in the folder of the scan"), ("Si.tif", "never replaced")):
        with pytest.raises(InputError, match=sentence):
            _writer.write_image(str(scan_folder / name), data, attributes)
        with pytest.raises(InputError, match=sentence):
            _writer.write_labels_layer(str(scan_folder / name), data, attributes)
    (tmp_path / "link.tif").symlink_to(scan_folder / "Zr.tif")
    with pytest.raises(InputError, match="never"):
        _writer.write_image(str(tmp_path / "link.tif"), data, attributes)
    assert {path: path.read_bytes() for path in scan_folder.iterdir()} == before
    # A new name in the folder of the scan replaces nothing.
    _writer.write_image(str(scan_folder / "mine.tif"), data, attributes)


def test_a_score_is_never_written_over_the_maps_of_its_window(
    make_napari_viewer: Any, scan_folder: Path
) -> None:
    viewer = make_napari_viewer()
    viewer.open(str(scan_folder), plugin="napari-mineral-anomaly")
    score = Layer.create(np.ones((4, 6), np.float32), {"metadata": Link("s", "score").metadata()})
    data, attributes, _ = score.as_layer_data_tuple()
    path = scan_folder / "Fe.tif"
    before = path.read_bytes()
    with pytest.raises(InputError, match="never replaced"):
        _writer.write_image(str(path), data, attributes)
    assert path.read_bytes() == before


# Samples


@pytest.mark.parametrize("sample", [sample_data.easy_section, sample_data.hard_section])
def test_samples_are_scans_with_a_hidden_truth(sample: Any, viewer: ViewerModel) -> None:
    for data in sample():
        add(viewer, data)
    [scan] = scans_in(viewer)
    assert scan.shape == simulated.SHAPE
    truth = [layer for layer in viewer.layers if link_of(layer).role == "truth"]
    assert len(truth) == 1
    assert not truth[0].visible
    assert 0 < np.count_nonzero(truth[0].data) < 0.02 * truth[0].data.size
    assert [str(unit) for unit in viewer.layers.extent.units] == ["micrometer"] * 2
