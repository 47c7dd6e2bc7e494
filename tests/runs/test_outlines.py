"""GeoJSON of grains lies where the TIFFs lie, in QuPath and in QGIS (read by GDAL)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files

PIXEL = (10.0, 20.0)


@pytest.fixture
def grains() -> tuple[pd.DataFrame, np.ndarray]:
    mask = np.zeros((30, 40), bool)
    mask[4:9, 6:12] = True
    mask[6, 8:10] = False  # a hole
    mask[20:22, 30:33] = True
    result = AnomalyResult(
        score=np.where(mask, 9, 0).astype(np.float32),
        threshold=5.0,
        contributions=np.zeros((1, *mask.shape), np.float32),
        pseudo_labels=np.zeros(mask.shape, np.uint16),
        elements=("Au",),
        pixel_size=PIXEL,
    )
    table = find_grains(result, n_rows=0)
    labels = np.zeros(mask.shape, np.uint8)
    for row in table.itertuples():
        window = np.s_[row.row_min : row.row_max + 1, row.col_min : row.col_max + 1]
        labels[window][mask[window]] = row.id
    table.loc[0, ["status", "comment"]] = ["accept", "µ “Au” α"]
    return table, labels


def _written(grains, folder: Path, pixel_size=PIXEL) -> dict[str, dict]:
    table, labels = grains
    product = Product("grains", "Grains", pixel_size=pixel_size, table=table, labels=labels)
    files = plan_files([(product, "qupath"), (product, "qgis")])
    paths = write_files(files, folder)
    assert [path.name for path in paths] == ["grains_qupath.geojson", "grains_qgis.geojson"]
    return {
        path.stem.removeprefix("grains_"): json.loads(path.read_text("utf-8")) for path in paths
    }


def _area(ring: list[list[float]]) -> float:
    x, y = np.array(ring).T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_areas_are_those_of_the_pixels_and_places_those_of_the_maps(grains, tmp_path):
    table, _ = grains
    written = _written(grains, tmp_path)
    for target, square in (("qupath", 1.0), ("qgis", PIXEL[0] * PIXEL[1])):
        features = written[target]["features"]
        assert len(features) == len(table) == 2
        for feature, (_, row) in zip(features, table.iterrows(), strict=True):
            rings = feature["geometry"]["coordinates"]
            assert feature["geometry"]["type"] == "Polygon"
            assert sum(map(_area, rings)) == pytest.approx(row["area_px"] * square)
            # RFC 7946: the exterior counterclockwise, holes clockwise.
            assert [_area(ring) > 0 for ring in rings] == [True, *[False] * (len(rings) - 1)]
    first = written["qupath"]["features"][0]
    x, y = np.array(first["geometry"]["coordinates"][0]).T
    assert (x.min(), x.max(), y.min(), y.max()) == (6, 12, 4, 9)
    x, y = np.array(written["qgis"]["features"][0]["geometry"]["coordinates"][0]).T
    # The centre of the first pixel is at 0, 0, and y grows upwards.
    assert (x.min(), x.max()) == (5.5 * 20, 11.5 * 20)
    assert (y.min(), y.max()) == (-8.5 * 10, -3.5 * 10)
    assert len(first["geometry"]["coordinates"]) == 2


def test_qupath_gets_classes_and_measurements(grains, tmp_path):
    first, second = _written(grains, tmp_path)["qupath"]["features"]
    assert UUID(first["id"]) != UUID(second["id"])
    properties = first["properties"]
    assert properties["objectType"] == "annotation"
    assert properties["classification"]["name"] == "accept"
    assert properties["measurements"]["area_px"] == 28
    assert properties["metadata"]["comment"] == "µ “Au” α"
    assert second["properties"]["classification"]["name"] == "unseen"
    assert "sem_x_mm" not in properties["measurements"]  # there are no fiducials


def test_without_a_pixel_size_qgis_counts_pixels(grains, tmp_path):
    feature = _written(grains, tmp_path, pixel_size=None)["qgis"]["features"][0]
    x, y = np.array(feature["geometry"]["coordinates"][0]).T
    assert (x.min(), x.max(), y.min(), y.max()) == (6, 12, -9, -4)


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL is not installed")
def test_gdal_reads_the_outlines_in_the_system_of_the_tiffs(grains, tmp_path):
    _written(grains, tmp_path)
    command = ["ogrinfo", "-ro", "-al", str(tmp_path / "grains_qgis.geojson")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert 'ENGCRS["scan in micrometres"' in told
    assert "WGS" not in told
    assert "Extent: (110.000000, -215.000000) - (650.000000, -35.000000)" in told
    assert "status (String) = accept" in told
    assert "comment (String) = µ “Au” α" in told
