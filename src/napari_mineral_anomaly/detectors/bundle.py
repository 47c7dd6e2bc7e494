"""Model folders: a fitted detector on disk, as numbers and JSON, never as code.

A model folder holds ``weights.safetensors`` (every array) and ``model.json`` (everything else).
Nothing in it is executed when it is loaded, so a model from a stranger is safe to open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from napari_mineral_anomaly.detectors.base import Device, FittedDetector, ModelState
from napari_mineral_anomaly.detectors.registry import make_config, make_detector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import staged_folder

FORMAT_VERSION = 1
WEIGHTS = "weights.safetensors"
MODEL = "model.json"

_LIBRARIES = ("napari-mineral-anomaly", "numpy", "safetensors", "scipy", "torch")


def save_model(
    fitted: FittedDetector,
    folder: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a fitted detector as a model folder, complete or not at all.

    Parameters
    ----------
    fitted : FittedDetector
    folder : path
        The model folder; its parents are made where needed.
    provenance : mapping, optional
        Plain values to save with the model, such as the hashes of the scan it was trained on.
    overwrite : bool
        Replace a model folder that is already there. Any other folder that is not empty is never
        replaced.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    InputError
        When the folder is in the way or cannot be written.
    """
    target = Path(folder)
    _require_free(target, overwrite)
    state = fitted.state()
    weights = save_tensors({k: np.ascontiguousarray(a) for k, a in state.arrays.items()})
    description = {
        "format_version": FORMAT_VERSION,
        "detector": fitted.name,
        "config": fitted.config.model_dump(mode="json"),
        "elements": list(fitted.elements),
        "meta": state.meta,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "versions": _versions(),
        "provenance": dict(provenance or {}),
    }
    text = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with staged_folder(target, overwrite=overwrite, ours=(WEIGHTS, MODEL)) as fresh:
        (fresh / WEIGHTS).write_bytes(weights)
        (fresh / MODEL).write_text(text, encoding="utf-8")
    return target


def load_model(folder: str | Path, *, device: Device = "auto") -> FittedDetector:
    """Read a model folder.

    Parameters
    ----------
    folder : path
    device : {"auto", "cpu", "cuda", "mps"}
        Where the network runs. Not taken from the model, which another machine may have trained.

    Returns
    -------
    FittedDetector
        Scores exactly as the saved one on the same machine.

    Raises
    ------
    InputError
        When a file is missing, damaged, or written by another version of the format.
    """
    source = Path(folder)
    description = _read_description(source)
    arrays = _read_weights(source, description)
    try:
        name = description["detector"]
        config = make_config(name, **(description["config"] | {"device": device}))
        return make_detector(name, config).load(ModelState(arrays, description["meta"]))
    except InputError as error:
        raise InputError(f"The model in {source} cannot be used here. {error}") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"The model in {source} is damaged: {MODEL} does not fit {WEIGHTS}; save it again."
        ) from error


def _require_free(target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target} is a file; a model needs a folder of its own.")
    names = {path.name for path in target.iterdir()}
    if not names:
        return
    if not overwrite:
        raise InputError(f"The folder {target} is not empty; choose another one or overwrite it.")
    if not names <= {WEIGHTS, MODEL}:
        others = ", ".join(sorted(names - {WEIGHTS, MODEL})[:3])
        raise InputError(f"{target} holds more than a model ({others}), so it is not replaced.")


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # detectors without a network work without torch
            continue
    return found


def _read_description(source: Path) -> dict[str, Any]:
    text = _read_bytes(source, MODEL)
    try:
        description = json.loads(text)
    except ValueError as error:
        raise InputError(f"{source / MODEL} is damaged: it is not JSON; save it again.") from error
    if not isinstance(description, dict) or "format_version" not in description:
        raise InputError(f"{source / MODEL} does not describe a model of this program.")
    found = description["format_version"]
    if found != FORMAT_VERSION:
        raise InputError(
            f"The model in {source} has format version {found}, this program reads version "
            f"{FORMAT_VERSION}; use the version of the program that wrote it."
        )
    return description


def _read_weights(source: Path, description: dict[str, Any]) -> dict[str, NDArray[Any]]:
    content = _read_bytes(source, WEIGHTS)
    damaged = InputError(
        f"{source / WEIGHTS} is damaged or does not belong to {MODEL}; save it again."
    )
    if hashlib.sha256(content).hexdigest() != description.get("weights_sha256"):
        raise damaged
    try:
        arrays: dict[str, NDArray[Any]] = load_tensors(content)
    except SafetensorError as error:
        raise damaged from error
    return arrays


def _read_bytes(source: Path, name: str) -> bytes:
    if source.is_file():
        raise InputError(f"{source} is a file; a model is a folder with {WEIGHTS} and {MODEL}.")
    try:
        return (source / name).read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{source} is not a model folder: there is no {name} in it; "
            f"a model folder holds {WEIGHTS} and {MODEL}."
        ) from None
    except OSError as error:
        raise InputError(f"{source / name} cannot be read: {error.strerror}.") from error
