"""A batch of two sections and a broken one, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.runs.batch.rows import MACHINE_COLUMNS
from napari_mineral_anomaly.simulate import simulate_section, write_section


@pytest.fixture(scope="session")
def sections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sections and a broken one."""
    parent = tmp_path_factory.mktemp("sections")
    for number in (1, 2):
        section = simulate_section("easy", shape=(32, 40 + number), seed=number)
        write_section(section, parent / f"s{number}")
    (parent / "broken").mkdir()
    (parent / "broken" / "Fe.tif").write_text("no TIFF")
    return parent


@pytest.fixture(scope="session")
def whole(sections: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch as the command line runs it; never written to by a test."""
    place = tmp_path_factory.mktemp("whole")
    (place / "recipe.toml").write_text('detector = "rx"\nthreshold = 3.5\n')
    argv = ["batch", sections, "-o", place / "out", "--recipe", place / "recipe.toml"]
    assert main([*map(str, argv), "--workers", "2"]) == 1
    return place / "out"


@pytest.fixture(scope="session")
def table() -> Callable[[Path], pd.DataFrame]:
    """Reads sections.csv; every cell as text."""
    return lambda out: pd.read_csv(out / "sections.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="session")
def without_machine(table: Callable[[Path], pd.DataFrame]) -> Callable[[Path], bytes]:
    """sections.csv without times, memory and computers."""
    return lambda out: table(out).drop(columns=list(MACHINE_COLUMNS)).to_csv().encode()
