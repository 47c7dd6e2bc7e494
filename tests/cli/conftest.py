"""Real folders for the real commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.simulate import simulate_section, write_section

SHAPE = (64, 72)

# Low enough that a small scene has grains whatever the default promises.
THRESHOLD = 2.0


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated scan with truth.tif; never written to by a test."""
    folder = tmp_path_factory.mktemp("scans") / "scan_a"
    return write_section(simulate_section("easy", shape=SHAPE, seed=1), folder)


@pytest.fixture(scope="session")
def other_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another section of another shape with the same elements."""
    folder = tmp_path_factory.mktemp("scans") / "scan_b"
    return write_section(simulate_section("easy", shape=(48, 80), seed=2), folder)


@pytest.fixture(scope="session")
def rx_run(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of ``detect --detector rx --threshold 2`` on `scan`; never written to by a test."""
    out = tmp_path_factory.mktemp("runs") / "rx"
    argv = ["detect", str(scan), "-o", str(out), "--detector", "rx"]
    assert main([*argv, "--threshold", str(THRESHOLD)]) == 0
    return out


@pytest.fixture
def run_json(capsys: pytest.CaptureFixture[str]):
    """Runs a command with ``--json`` and returns what it printed, which must be JSON alone."""

    def run(*argv: object) -> Any:
        capsys.readouterr()
        assert main([*map(str, argv), "--json"]) == 0
        return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)

    return run


def _no_folder(folder: Path) -> None:
    folder.rmdir()


def _empty(folder: Path) -> None:
    pass


def _rgb_jpegs(folder: Path) -> None:
    from PIL import Image

    coloured = np.zeros((8, 8, 3), np.uint8)
    coloured[:, 4:, 0] = 200
    for name in ("Fe.jpg", "S.jpg"):
        Image.fromarray(coloured).save(folder / name)


def _two_shapes(folder: Path) -> None:
    tifffile.imwrite(folder / "Fe.tif", np.ones((8, 8), np.uint16))
    tifffile.imwrite(folder / "S.tif", np.ones((8, 9), np.uint16))


def _truncated(folder: Path) -> None:
    for name in ("Fe.tif", "S.tif"):
        tifffile.imwrite(folder / name, np.ones((64, 64), np.uint16))
    whole = (folder / "S.tif").read_bytes()
    (folder / "S.tif").write_bytes(whole[: len(whole) // 2])


BAD_SCANS = {
    "missing folder": _no_folder,
    "empty folder": _empty,
    "RGB JPEGs": _rgb_jpegs,
    "two shapes": _two_shapes,
    "truncated TIFF": _truncated,
}


@pytest.fixture(params=list(BAD_SCANS))
def bad_scan(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder that cannot be read as a scan, in each of the usual ways."""
    folder = tmp_path / "bad_scan"
    folder.mkdir()
    BAD_SCANS[request.param](folder)
    return folder
