"""The scripts that make the figures of the docs find all that they import from the package."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = "napari_mineral_anomaly"
ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "benchmarks").rglob("*.py")) + sorted((ROOT / "docs").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_names_that_a_script_imports_are_there(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGE):
            continue
        if ".window" in str(node.module):  # needs a display
            continue
        module = importlib.import_module(str(node.module))
        for name in node.names:
            known = hasattr(module, name.name)
            if not known:  # a module of the package is no attribute before its import
                importlib.import_module(f"{node.module}.{name.name}")
