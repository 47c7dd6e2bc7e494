"""Every file that *Export results* writes opens in this plugin: by drop, menu and `viewer.open`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels
from npe2 import PluginManifest
from npe2._pytest_plugin import TestPluginManager

from napari_mineral_anomaly.runs.export import Format
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder
from napari_mineral_anomaly.window.exporting.plan import ROWS
from napari_mineral_anomaly.window.exporting.presets import MORE
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.kit.opening import PLUGIN
from napari_mineral_anomaly.window.layers.links import first_layer, link_of
from napari_mineral_anomaly.window.plugin.reader import get_reader
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

MakeDock = Callable[..., Any]
ROLES = {
    "score": "score",
    "mask": "mask",
    "labels": "pseudo_labels",
    "valid": "valid",
    "truth": "truth",
}
# PNG is a picture, not for measuring.
FORMATS: tuple[Format, ...] = ("ome", "imagej", "csv", "zarr")


@pytest.fixture(autouse=True)
def plugin(npe2pm: TestPluginManager) -> None:
    """napari asks no other plugin, and none of its own readers, in these tests."""
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))


@pytest.fixture
def dock(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> HandOverStep:
    """The dock after an RX run, with a brushed truth and pixels without a score."""
    first_layer(scanned, "score").data[3, 4:9] = np.nan
    make_dock(TruthDock, scanned).make_truth()
    first_layer(scanned, "truth").data[5:9, 5:9] = 1
    return make_dock(HandOverStep, scanned, SyncExecutor())


def exported(dock: HandOverStep, folder: Path, *choices: tuple[str, str]) -> list[Path]:
    dock.choose_preset(MORE)
    for choice, box in dock.boxes.items():
        box.setChecked(choice in choices)
    dock.folder.setText(str(folder))
    dock.export()
    assert dock.status.text().startswith("Wrote"), dock.status.text()
    return sorted(path for path in folder.iterdir())


def opened(paths: list[Path], *, stack: bool = False) -> ViewerModel:
    """A new viewer with the paths, as a drop and the menu open them."""
    viewer = ViewerModel()
    assert get_reader([str(path) for path in paths]) is not None
    viewer.open([str(path) for path in paths], plugin=PLUGIN, stack=stack)
    return viewer


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("key", ROLES)
def test_results_come_back_as_what_they_are(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path, key: str, form: str
) -> None:
    [path] = exported(dock, tmp_path / "out", (key, form))
    [layer] = opened([path]).layers
    link = link_of(layer)
    assert link is not None
    assert link.role == ROLES[key]
    score = first_layer(scanned, "score")
    if key == "valid":
        expected = np.isfinite(score.data)
        numbers = layer.data != 0
    else:
        expected = first_layer(scanned, ROLES[key]).data
        numbers = layer.data != 0 if key == "mask" else layer.data
        expected = expected != 0 if key == "mask" else expected
    assert np.array_equal(numbers, expected, equal_nan=key == "score")
    assert isinstance(layer, Labels) == (key != "score")
    assert tuple(layer.scale) == tuple(score.scale)
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 2


@pytest.mark.parametrize("dialect", ["excel-de", "excel-en", "tsv"])
@pytest.mark.parametrize("key", ["score", "maps"])
def test_tables_for_spreadsheets_come_back(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path, key: str, dialect: str
) -> None:
    dock.csv.choose(dialect)
    [path] = exported(dock, tmp_path / "out", (key, "csv"))
    assert path.name == f"{ROWS[key].stem}_{dialect}.csv"
    layers = opened([path]).layers
    if key == "score":
        [layer] = layers
        score = first_layer(scanned, "score").data
        assert np.array_equal(layer.data, score, equal_nan=True)
        return
    before = [layer for layer in scanned.layers if getattr(link_of(layer), "role", "") == "element"]
    assert [link_of(layer).element for layer in layers] == [link_of(b).element for b in before]
    for new, old in zip(layers, before, strict=True):
        assert np.array_equal(new.data, old.data)
        assert tuple(new.scale) == tuple(old.scale)


@pytest.mark.parametrize("stack", [False, True])
def test_several_files_open_together(dock: HandOverStep, tmp_path: Path, stack: bool) -> None:
    choices = (("score", "ome"), ("mask", "imagej"), ("maps", "ome"))
    paths = exported(dock, tmp_path / "out", *choices)
    roles = [link_of(layer).role for layer in opened(paths, stack=stack).layers]
    assert sorted(roles) == ["element"] * (len(roles) - 2) + ["mask", "score"]
    assert len(roles) > 4


def test_one_map_of_the_folder_of_maps_opens_alone(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path
) -> None:
    [folder] = exported(dock, tmp_path / "out", ("maps", "folder"))
    layer = first_layer(opened([folder / "Fe.tif"]), "element")
    [old] = [one for one in scanned.layers if getattr(link_of(one), "element", "") == "Fe"]
    assert link_of(layer).element == "Fe"
    assert np.array_equal(layer.data, old.data)
    assert tuple(layer.scale) == tuple(old.scale)


def test_a_world_file_gives_the_micrometres_where_the_tiff_lost_them(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path
) -> None:
    dock.world_files.setChecked(True)
    out = tmp_path / "out"
    exported(dock, out, ("score", "ome"))
    path = out / "anomaly_score.ome.tif"
    plain = tifffile.imread(path)
    tifffile.imwrite(path, plain)  # as a program that keeps the numbers alone
    [layer] = opened([path]).layers
    assert tuple(layer.scale) == tuple(first_layer(scanned, "score").scale)


def test_the_folder_of_a_run_opens_as_its_results(scan_folder: Path, tmp_path: Path) -> None:
    scan_to_folder([scan_folder], tmp_path / "run", "rx")
    viewer = opened([tmp_path / "run"])
    assert [layer.name for layer in viewer.layers] == [
        "anomaly_score",
        "pseudo_labels",
        "grain_labels",
        "anomaly_mask",
    ]
    stored = tifffile.imread(tmp_path / "run" / "grain_labels.tif")
    assert stored.max() > 0
    assert np.array_equal(viewer.layers["grain_labels"].data, stored)
    assert len({tuple(layer.scale) for layer in viewer.layers}) == 1
