"""Nothing older than five seconds is lost when napari is killed (the long proof in benchmarks/)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "project_kills.py"


@pytest.mark.slow
@pytest.mark.gui
def test_two_kills_lose_nothing_older_than_five_seconds(tmp_path: Path) -> None:
    out = tmp_path / "kills.json"
    argv = [sys.executable, str(SCRIPT), "--kills", "2", "--seed", "3", "--out", str(out)]
    subprocess.run(argv, check=True)
    counts = json.loads(out.read_text())
    assert counts["kills"] == 2
    assert counts["actions"] > 5
    assert counts["oldest_s"] <= 5.0
