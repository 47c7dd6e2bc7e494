"""``--pixel-size 2,5`` is two sizes, which is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.cli import main


@pytest.mark.parametrize(
    ("typed", "is_said"),
    [("2,5", True), ("12,25", False), ("2,25", True), ("20,25", False), ("2.5", False)],
)
def test_two_sizes_that_look_like_one_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str, is_said: bool
) -> None:
    np.savetxt(tmp_path / "Fe.csv", np.arange(30).reshape(5, 6) % 7, "%d", ",")
    main(["inspect", str(tmp_path), "--pixel-size", typed])
    said = capsys.readouterr()
    assert ("type a point" in said.err) == is_said
    assert "type a point" not in said.out
