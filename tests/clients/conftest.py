"""What the tests with other programs share: the files to open, and the record of what was seen.

These tests are slow. Each skips, with the reason, where its program is missing. With
``CLIENTS_RECORD=docs/measured/clients.json`` they write what they saw, and
``python docs/write_clients.py`` makes the table in docs/export.md from it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.io.spreadsheets import DIALECTS
from napari_mineral_anomaly.io.writing.tables import write_grains
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.simulate.write import write_section

SIZE = (20.0, 25.5)
NAMES = ("Fe Ka", "As", "Ø <&> 1", "Pb La")
MISSING = (2, 3)  # row, column

Record = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """The path of a program; skips the test where it is missing."""

    def find(name: str, package: str) -> str:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed (Debian package {package})")
        return found

    return find


@pytest.fixture(scope="session")
def screen(program: Callable[[str, str], str]) -> list[str]:
    """What to put before a command that needs a screen."""
    return [program("xvfb-run", "xvfb"), "-a", "-s", "-screen 0 1200x900x24"]


@pytest.fixture(scope="session")
def maps() -> np.ndarray:
    """Four maps of float32 with a missing pixel and values below zero."""
    values = np.random.default_rng(0).normal(0, 40, (4, 9, 12)).astype(np.float32)
    values[1, MISSING[0], MISSING[1]] = np.nan
    return values


@pytest.fixture(scope="session")
def files(maps: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the maps in every format, world files beside them."""
    out = tmp_path_factory.mktemp("files")
    stack = Product("maps", "", maps, NAMES, SIZE, is_stack=True)
    fiji = Product("fiji", "", maps, NAMES, SIZE, is_stack=True)
    single = Product("Fe", "", maps[:1], ("Fe",), SIZE)
    large = Product("large", "", np.pad(maps, ((0, 0), (0, 0), (0, 700))), NAMES, SIZE)
    choices = [(stack, "ome"), (stack, "zarr"), (stack, "csv"), (fiji, "imagej"), (large, "zarr")]
    write_files(plan_files([*choices, (single, "imagej")]), out, world_files=True)
    return out


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    place = tmp_path_factory.mktemp("run")
    write_section(simulate_section("easy", shape=(80, 110), seed=0), place / "scan")
    scan_to_folder([place / "scan"], place / "out", "rx")
    return place / "out"


@pytest.fixture(scope="session")
def grains(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """A table of grains with texts that look like formulas, and its folder of all dialects."""
    table = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "peak_score": [8.5, 1234.567, -0.25],
            "expected_by_chance": [1e-13, 0.062, 72.0],
            "centroid_y_um": [1233.3333333333335, 20.0, 123456.75],
            "centroid_x_um": [0.1 + 0.2, 25.5, 7.0],
            "driver_1": ["As+14.2", "=1+1", "-Fe"],
            "comment": ["scan edge; vein, Ö", "+1+1", "@SUM(A1)"],
        }
    )
    out = tmp_path_factory.mktemp("grains")
    for dialect in DIALECTS.values():
        write_grains(out / dialect.file_name("grains.csv"), table, dialect)
    return table, out


@pytest.fixture(scope="session")
def record() -> Record:
    """Keeps what a program showed, for the table in the docs."""
    target = os.environ.get("CLIENTS_RECORD")

    def keep(client: str, file: str, **seen: str) -> None:
        if not target:
            return
        path = Path(target)
        rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        rows = [
            row
            for row in rows
            if (row["client"].split()[0], row["file"]) != (client.split()[0], file)
        ]
        rows.append({"client": client, "file": file, **seen})
        rows.sort(key=lambda row: (row["client"], row["file"]))
        text = json.dumps(rows, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")

    return keep
