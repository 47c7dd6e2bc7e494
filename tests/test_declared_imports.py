"""The metadata asks for every module the package imports: no user meets a missing one."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

import napari_mineral_anomaly

PACKAGE = Path(napari_mineral_anomaly.__file__).parent


def _imported_modules(folder: Path) -> dict[str, Path]:
    """Top-level name of each absolute import below a folder, with one file that imports it."""
    found: dict[str, Path] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            else:
                continue
            found.update({name.partition(".")[0]: path for name in names})
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_imported_module_is_a_declared_requirement():
    declared = {_plain(Requirement(line).name) for line in requires("napari-mineral-anomaly") or ()}
    distributions = packages_distributions()
    undeclared = {
        module: path.relative_to(PACKAGE).as_posix()
        for module, path in _imported_modules(PACKAGE).items()
        if module not in sys.stdlib_module_names
        and module != PACKAGE.name
        and not declared & {_plain(name) for name in distributions.get(module, [module])}
    }
    assert undeclared == {}
