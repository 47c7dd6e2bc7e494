"""The whole job as one function, from files to a folder of results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly import detect, read_maps
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILES
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.runs.read_run import read_run
from napari_mineral_anomaly.runs.read_scan import ReadingOptions, read_scan
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    maps = np.random.default_rng(0).poisson(40, (3, 30, 40)).astype(np.uint16)
    maps[2, 12:14, 20] = 500
    for name, plane in zip(("Fe", "Ca", "Zr"), maps, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_detector_by_name_gives_the_numbers_of_detect(scan, tmp_path):
    phases, shapes = [], []
    reading = ReadingOptions(pixel_size=(20.0, 20.0))
    written = scan_to_folder(
        [scan],
        tmp_path / "out",
        "rx",
        reading=reading,
        threshold=4.5,
        on_read=lambda cube: shapes.append(cube.shape),
        task=Task(lambda event: phases.append(event.phase)),
    )
    assert names(tmp_path / "out") == sorted(RUN_FILES)
    expected = detect(read_maps(scan, pixel_size=20.0), "rx", threshold=4.5)
    kept = read_run(tmp_path / "out").result
    np.testing.assert_array_equal(kept.score, expected.score)
    assert kept.threshold == written.record.threshold == 4.5
    assert set(written.record.timings) == {"read", "fit", "score", "export"}
    assert written.ingest.used[0].file == "Ca.tif"
    assert shapes == [(30, 40)]
    assert {"reading", "writing"} <= set(phases)


def test_a_typed_pixel_size_is_used_again(scan):
    read_scan([scan], ReadingOptions(pixel_size=(15.0, 10.0)))
    assert read_scan([scan]).pixel_size == (15.0, 10.0)
    read_scan([scan], ReadingOptions(pixel_size=(20.0, 20.0)))


def test_a_fitted_detector_is_applied(scan, tmp_path):
    scan_to_folder([scan], tmp_path / "first", "rx")
    fitted = read_run(tmp_path / "first").fitted
    written = scan_to_folder([scan], tmp_path / "second", fitted)
    assert "fit" not in written.record.timings
    scores = [read_run(tmp_path / name).result.score for name in ("first", "second")]
    np.testing.assert_array_equal(*scores)
    files = [scan / "Fe.tif", scan / "Ca.tif"]
    with pytest.raises(InputError, match="lacks Zr, which the model was fitted on"):
        scan_to_folder(files, tmp_path / "third", fitted)
    assert names(tmp_path) == ["first", "second"]


def test_a_folder_that_is_not_free_is_refused_before_reading(scan, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="overwrite"):
        scan_to_folder(["does not exist"], tmp_path, "rx")
    with pytest.raises(InputError):
        scan_to_folder(
            [scan],
            tmp_path,
            "rx",
            overwrite=True,
            protected=[tmp_path / "note.txt"],
        )
    assert names(tmp_path) == ["note.txt"]


def test_a_cancelled_job_leaves_nothing(scan, tmp_path):
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        scan_to_folder([scan], tmp_path / "out", "rx", task=Task(token=token))
    assert names(tmp_path) == []
