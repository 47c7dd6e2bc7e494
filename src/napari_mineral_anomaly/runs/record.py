"""`RunRecord`: the content of run.json, with which another person can repeat the run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import promise_at
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.process import peak_memory_mb
from napari_mineral_anomaly.runs.json_values import as_json, plain
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import Name, UsedMap, Words
from napari_mineral_anomaly.words import counted, listed

# 2: n_grains are the rows above the threshold, n_listed all rows; oddest and concentrated are rows.
SCHEMA_VERSION = 2

_PACKAGE = "napari-mineral-anomaly"
_LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "tifffile", "torch")


class LossPoint(BaseModel):
    """Training loss of one epoch; ``epoch`` counts from 1 in each ``stage``, itself from 1."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    stage: int
    loss: float | None


class RunRecord(BaseModel):
    """Everything needed to judge and repeat a run; ``to_json`` is run.json.

    ``versions`` maps the package, Python and the libraries to their versions. ``input_hashes`` maps
    each used file to the SHA-256 of its bytes, or to None where the file is not there any more or
    was changed after it was read.
    ``epochs`` are the training steps of one stage (the second where there are two), not of the
    whole run. ``threshold`` is in background sigmas; ``promised_false_pixels`` is the number of
    background pixels expected at or above it. ``timings`` are in seconds per phase;
    ``peak_memory_mb`` (10^6 bytes) is that of the whole process so far; ``host`` is the name of the
    computer. ``list_rows`` are the
    grains that were wanted in the list; ``n_grains`` counts its rows above the threshold,
    ``n_listed`` all. ``details`` are further values of the detector.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    created: str
    versions: dict[str, str]
    source: Name
    input_hashes: dict[Name, str | None]
    elements: tuple[Name, ...]
    shape: tuple[int, int]
    pixel_size_um: tuple[float, float] | None
    spot_size_um: float | None = None
    quantity: str
    detector: str
    seed: int | None
    device: str | None
    epochs: int | None
    parameters: dict[str, Any]
    threshold: float
    promised_false_pixels: float
    min_grain_px: int
    n_valid: int
    n_flagged: int
    n_grains: int
    list_rows: int = 0
    n_listed: int = 0
    timings: dict[str, float]
    peak_memory_mb: float | None
    host: str | None = None
    loss_curve: tuple[LossPoint, ...]
    warnings: tuple[Words, ...]
    details: dict[str, Any]

    @property
    def findings(self) -> str:
        """What was found, in sentences: rows of the list, flagged pixels, and the promise."""
        n_below = self.n_listed - self.n_grains
        above = f"{counted(self.n_grains, 'grain')} at or above the threshold of "
        below = f", {counted(n_below, 'odd place')} below it" if n_below else ""
        return (
            f"{above}{self.threshold:.2f} background sigmas{below}. "
            f"{counted(self.n_flagged, 'pixel')} of {self.n_valid:,} reach the threshold; in a "
            f"section with nothing odd about {self.promised_false_pixels:.3g} would."
        )

    def to_json(self) -> str:
        """Strict JSON: values that are not finite become null."""
        return as_json(self.model_dump())


def make_record(
    cube: ElementCube,
    result: AnomalyResult,
    grains: pd.DataFrame,
    *,
    n_rows: int,
    min_grain_px: int = 1,
    timings: Mapping[str, float] | None = None,
) -> RunRecord:
    """Make the record of a run.

    Parameters
    ----------
    cube, result
        The scan and its result.
    grains : DataFrame
        As `grains.table.find_grains` gives it.
    n_rows, min_grain_px
        Grains wanted in that table, and the smallest that it lists.
    timings : mapping, optional
        Seconds of the phases that are not in ``result.info``, such as reading.
    """
    info = result.info
    parameters = plain(dict(info.parameters or {}))
    n_valid = int(np.count_nonzero(result.valid))
    hashes = input_hashes(cube)
    return RunRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        source=source_name(cube),
        input_hashes=hashes,
        elements=cube.elements,
        shape=cube.shape,
        pixel_size_um=cube.pixel_size,
        spot_size_um=None if cube.report is None else cube.report.spot_size_um,
        quantity=cube.quantity,
        detector=info.detector or "unknown",
        seed=info.seed,
        device=info.device,
        epochs=info.epochs if info.epochs is not None else parameters.get("epochs"),
        parameters=parameters,
        threshold=result.threshold,
        promised_false_pixels=promise_at(result.threshold, n_valid),
        min_grain_px=min_grain_px,
        n_valid=n_valid,
        n_flagged=int(np.count_nonzero(result.mask)),
        n_grains=int(grains["above_threshold"].sum()),
        list_rows=n_rows,
        n_listed=len(grains),
        timings={**(timings or {}), **(info.timings or {})},
        peak_memory_mb=peak_memory_mb(),
        host=platform.node() or None,
        loss_curve=tuple(LossPoint(**plain(point)) for point in info.loss_curve or ()),
        warnings=(*(info.warnings or ()), *_lost_inputs(hashes)),
        details=plain(dict(info.details)),
    )


def source_name(cube: ElementCube) -> str:
    """The name of a scan: the name of its folder or file, without the path."""
    return Path(cube.source).name if cube.source else "array in memory"


def input_hashes(cube: ElementCube) -> dict[str, str | None]:
    """SHA-256 of every file that was read.

    None for a file that is not there any more, and for one that was changed after it was read: the
    hash would be that of other numbers.
    """
    files = {} if cube.report is None else {used.file: used for used in cube.report.used}
    return {name: _sha256(_find_input(name, cube.source), used) for name, used in files.items()}


def _lost_inputs(hashes: Mapping[str, str | None]) -> list[str]:
    """A warning about files that are not as they were read."""
    lost = [name for name, found in hashes.items() if found is None]
    if not lost or lost == list(hashes):  # all of them: a folder format, or a scan from memory
        return []
    verb = "is" if len(lost) == 1 else "are"
    return [
        f"{listed(lost)} {verb} not there any more or changed since the scan was read: no hash "
        "is recorded."
    ]


def _versions() -> dict[str, str]:
    versions = {_PACKAGE: version(_PACKAGE), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _find_input(name: str, source: str | None) -> Path | None:
    """A used file on disk: the report names it relative to the source, or it is the source."""
    candidates = [Path(source) / name, Path(source).with_name(name)] if source else []
    candidates.append(Path(name))
    if found := next((path for path in candidates if is_file(path)), None):
        return found
    # The report shows a name without the characters that cannot be shown.
    return next(
        (
            path
            for folder in (one.parent for one in candidates)
            for path in entries(folder)
            if shown(path.name) == Path(name).name and is_file(path)
        ),
        None,
    )


def _sha256(path: Path | None, used: UsedMap) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        now = FileStamp.of(path)
    except (OSError, InputError):
        return None
    is_same = used.modified in (None, now.modified) and used.n_bytes in (None, now.size)
    return found if is_same else None
