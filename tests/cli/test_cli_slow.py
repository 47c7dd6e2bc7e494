"""A run that will take long says so before it starts, on stderr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from napari_mineral_anomaly.cli import main


@pytest.fixture
def small_scan(tmp_path: Path) -> Path:
    """Three maps of 64 x 64 pixels."""
    folder = tmp_path / "scan"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for element in ("Si", "Fe", "Ca"):
        counts = rng.poisson(40, (64, 64)).astype(np.uint16)
        tifffile.imwrite(folder / f"{element}.tif", counts)
    return folder


def test_detect_warns_of_a_slow_run_before_it_starts(
    small_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"channels": 512}')  # so wide that 4096 pixels would take an hour
    arguments = ["detect", str(small_scan), "-o", str(tmp_path / "out"), "--detector", "auto-ad"]
    # A device that is missing ends the run right after the warning.
    missing = "cuda" if torch.backends.mps.is_available() else "mps"
    status = main([*arguments, "--config", str(config), "--device", missing])
    error = capsys.readouterr().err
    assert status == 2
    assert "Note: Detector auto-ad may take about 2 hours on this scan of 4,096 pixels" in error
    assert error.index("may take about") < error.index(f"Device {missing}")


def test_a_fast_run_is_not_commented_on(
    small_scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(small_scan), "-o", str(tmp_path / "out"), "--detector", "rx"]) == 0
    assert "may take" not in capsys.readouterr().err
