"""Which question found a grain is known again when a project is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.saving.state import ResultState
from napari_mineral_anomaly.project.saving.store import ProjectStore
from napari_mineral_anomaly.runs.read_run import read_run


@pytest.fixture(scope="module")
def asked(cube) -> DetectionRun:
    """A run whose score joins several questions."""
    config = make_config("msfa", epochs=2)
    return run_detection(cube, "msfa", config)


@pytest.mark.parametrize("quick", [True, False])
def test_the_questions_are_there_again(tmp_path: Path, cube, asked, state_of, quick):
    store = ProjectStore(tmp_path)
    folder = store.write_run(cube, asked, quick=quick)
    ones = (ResultState("msfa", asked.result.threshold),)
    store.save(state_of(results=ones, folders={"msfa": folder}))
    result = load_project(tmp_path).results["msfa"].run.result
    assert len(set(np.unique(result.found_by))) > 2
    np.testing.assert_array_equal(result.found_by, asked.result.found_by)
    np.testing.assert_allclose(
        result.reconstruction_error, asked.result.reconstruction_error, rtol=1e-6
    )
    before, after = (find_grains(one, cube=cube)["found_by"] for one in (asked.result, result))
    assert after.str.len().max() > 0
    assert list(after) == list(before)


def test_a_run_that_is_read_and_written_again_stays_the_same(tmp_path: Path, cube, asked):
    store = ProjectStore(tmp_path)
    first = tmp_path / store.write_run(cube, asked, quick=True)
    again = read_run(first)
    second = tmp_path / store.write_run(cube, again)
    assert read_run(second).result.info.details == again.result.info.details
    found = [tifffile.imread(folder / "found_by.tif") for folder in (first, second)]
    np.testing.assert_array_equal(*found)
    assert pd.read_csv(second / "grains.csv")["found_by"].str.len().max() > 0
