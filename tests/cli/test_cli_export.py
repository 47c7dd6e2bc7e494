"""``export``: results of a project as files for other programs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import tifffile

from napari_mineral_anomaly.cli import main


def test_a_project_becomes_files_for_gis_fiji_and_qupath(rx_run, tmp_path, capsys, run_json):
    out = tmp_path / "out"
    files = run_json("export", rx_run, "-o", out)["files"]
    assert {path.rpartition("/")[2] for path in files} == {
        "anomaly_score.tif",
        "anomaly_score.tfw",
        "anomaly_score.tif.aux.xml",
        "anomaly_mask.tif",
        "anomaly_mask.tfw",
        "anomaly_mask.tif.aux.xml",
        "element_contributions.tif",
        "element_contributions.tfw",
        "element_contributions.tif.aux.xml",
        "element_contributions.vrt",
        "grains.csv",
        "grains_qupath.geojson",
        "grains_qgis.geojson",
    }
    score = tifffile.imread(out / "anomaly_score.tif")
    of_run = tifffile.imread(rx_run / "anomaly_score.ome.tif")
    assert np.array_equal(score, of_run, equal_nan=True)
    table = pd.read_csv(out / "grains.csv")
    outlines = json.loads((out / "grains_qgis.geojson").read_text(encoding="utf-8"))
    assert [one["properties"]["id"] for one in outlines["features"]] == table["id"].tolist()
    assert main(["export", str(rx_run), "-o", str(out)]) == 2
    assert "already holds" in capsys.readouterr().err


def test_only_what_is_asked_for_is_written(rx_run, tmp_path, capsys):
    out = tmp_path / "out"
    call = ["export", str(rx_run), "-o", str(out)]
    assert main([*call, "--images", "labels", "--image-format", "ome", "--grains", "qupath"]) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {
        "pseudo_labels.ome.tif",
        "pseudo_labels.ome.tfw",
        "pseudo_labels.ome.tif.aux.xml",
        "grains_qupath.geojson",
    }
    assert "grains_qupath.geojson" in capsys.readouterr().out
    assert main([*call, "--images", "--grains"]) == 2
    assert "Nothing to write" in capsys.readouterr().err
