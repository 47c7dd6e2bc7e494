"""From arguments to values: detector parameters, names of folders, thresholds, truth masks."""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.cli.console import say
from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.cost import slow_sentence
from napari_mineral_anomaly.detectors.registry import config_class, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.verdict_truth import truth_of_verdicts
from napari_mineral_anomaly.grains.verdicts.history import load_history
from napari_mineral_anomaly.io import read_scene, read_truth
from napari_mineral_anomaly.io.formats.shared.disk.places import require_file
from napari_mineral_anomaly.io.run_files import RUN_FILE
from napari_mineral_anomaly.project.reading import brushed_truth_of, is_project, read_project
from napari_mineral_anomaly.scan.cube import ElementCube

TRUTH_FILE = "truth.tif"


def detector_config(detector: str, arguments: argparse.Namespace) -> DetectorConfig:
    """Parameters of a detector: defaults, then ``--config``, then single options.

    ``--epochs`` for a detector without epochs is ignored, with a note on stderr.

    Raises
    ------
    InputError
        For an unknown detector, an unknown parameter or an impossible value, and for ``--quick``
        with a detector that does not have it.
    """
    known = config_class(detector).model_fields
    parameters = {} if arguments.config is None else _read_json_object(arguments.config)
    for name in ("seed", "device", "epochs", "quick"):
        value = getattr(arguments, name)
        if value is None:
            continue
        if name == "epochs" and name not in known:
            say(f"Note: {detector} has no epochs; --epochs is ignored.")
            continue
        if name == "quick" and name not in known:
            raise InputError(f"Only the detector msfa has --quick; {detector} does not.")
        parameters[name] = value
    return make_config(detector, **parameters)


def require_nothing_else(arguments: argparse.Namespace) -> None:
    """Refuse options that a project decides: how its maps are read, and its detector.

    Raises
    ------
    InputError
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("detector", "seed", "epochs", "quick", "config", "device")
        if getattr(arguments, name) is not None
    ]
    if given:
        raise InputError(
            f"A project is done again as it was, so {', '.join(given)} cannot be given with it: "
            "give the maps themselves instead."
        )


def warn_if_slow(
    detector: str, config: DetectorConfig, cube: ElementCube, *, fit: bool = True
) -> None:
    """Print one line on stderr before a run that will take long; never an error.

    Parameters
    ----------
    fit : bool
        False when a saved model is applied.
    """
    expected = config.expected_seconds(cube.n_valid, cube.n_elements)
    if expected is None:
        return
    seconds = expected.total if fit else expected.score
    sentence = slow_sentence(f"Detector {detector}", seconds, cube.n_valid)
    if sentence:
        say(f"Note: {sentence}")


def output_names(inputs: Sequence[Path]) -> list[str]:
    """One folder name per scan: its own name, with that of its parent where two are equal.

    Raises
    ------
    InputError
        When two names are still equal.
    """
    # Links are not resolved: a link keeps the name that the user gave it.
    full = [Path(os.path.abspath(path)) for path in inputs]  # noqa: PTH100 (absolute() keeps ..)
    names = [path.name if path.is_dir() else path.name.split(".")[0] for path in full]
    twice = {name for name, n in Counter(names).items() if n > 1}
    names = [
        f"{path.parent.name}_{name}" if name in twice else name
        for path, name in zip(full, names, strict=True)
    ]
    alike = sorted(name for name, n in Counter(names).items() if n > 1)
    if alike:
        raise InputError(
            f"Two inputs would both write into a folder named {alike[0]}: "
            "apply the model to them one by one."
        )
    return names


def threshold_beside(score: Path) -> float | None:
    """The threshold (background sigmas) in run.json beside a score map; None without one.

    Raises
    ------
    InputError
        When there is a run.json without a threshold.
    """
    run_file = score.parent / RUN_FILE
    if not run_file.is_file():
        return None
    threshold = _read_json_object(run_file).get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise InputError(f"{run_file} holds no threshold: give one with --threshold.")
    return float(threshold)


def truth_mask(path: Path) -> tuple[NDArray[np.uint8], bool]:
    """A truth mask (H, W) from an image, a scene folder, a .mat scene or a project.

    Also whether it comes from the verdicts of a project, which serve where no mask was brushed.

    Raises
    ------
    InputError
        When there is none.
    """
    if path.suffix.lower() == ".mat":
        return read_scene(path)[1], False
    if is_project(path) and not (path / TRUTH_FILE).exists():
        project = read_project(path)
        if not project.truths and project.verdicts is not None:
            book = load_history(path / project.verdicts, project.shape).present
            return truth_of_verdicts(book), True
        return read_truth(brushed_truth_of(path)), False
    return read_truth(file_in(path, TRUTH_FILE)), False


def file_in(path: Path, name: str) -> Path:
    """The file of that name where the path is a folder; else the path itself.

    Raises
    ------
    InputError
        When the folder does not hold it.
    """
    if not path.is_dir():
        return path
    if not (path / name).exists():
        raise InputError(f"The folder {path} holds no {name}.")
    return path / name


def _read_json_object(path: Path) -> dict[str, Any]:
    require_file(path, "a JSON file")
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}).") from error
    if not isinstance(values, dict):
        raise InputError(f'{path} must hold one JSON object such as {{"epochs": 150}}.')
    return values
