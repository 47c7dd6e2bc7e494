"""The folder of a batch: what belongs to it, what it is told, and who works on it.

::

    OUT/batch.json           the recipe, the model and the sections with their names
        sections.csv         a row per section
        index.html           the same as a page
        NAME/                the run folder of a section
        .batch/              locks and thumbnails; may be removed when nothing runs
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from napari_mineral_anomaly.detectors.bundle import MODEL
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILE
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.sections import section_names
from napari_mineral_anomaly.runs.json_values import as_json

BATCH_FILE = "batch.json"
SCHEMA_VERSION = 1
# In the folder of a section that failed, in place of results.
FAILED_FILE = "failed.json"
_WORKING = ".batch"


@dataclass(frozen=True)
class Batch:
    """A batch as OUT/batch.json describes it.

    Attributes
    ----------
    out : Path
        Absolute.
    recipe : Recipe
    model : str or None
        The model folder that is applied, absolute; None: a detector is fitted on each section.
    model_sha256 : str or None
        Of its weights.
    sections : dict
        Name by absolute path.
    """

    out: Path
    recipe: Recipe
    model: str | None
    model_sha256: str | None
    sections: dict[str, str]


def join_batch(
    out: Path, sections: Sequence[Path], recipe: Recipe, model: Path | None, *, may_exist: bool
) -> Batch:
    """Begin a batch, or join the one that ``out`` holds.

    Parameters
    ----------
    out : path
        Absolute; made where needed.
    sections : paths
        Absolute; added to those of the batch.
    recipe, model
        Must be those that the batch began with.
    may_exist : bool
        Whether a batch that is already there may be joined.

    Raises
    ------
    InputError
        When ``out`` is not free, or holds a batch with another recipe or model.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: give a folder for the output.")
    # Before anything is made: a folder with the traces of a batch is not free any more.
    weights = None if model is None else _weights_of(model)
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_new = not (out / BATCH_FILE).exists() and not (out / _WORKING).exists()
        if is_new and any(out.iterdir()):
            raise InputError(
                f"The output folder {out} exists and is not empty, and holds no batch: choose "
                "another."
            )
        if not (is_new or may_exist):
            raise InputError(
                f"{out} already holds a batch: go on with it by --resume, or choose another folder."
            )
        with batch_lock(out):
            known = _read(out) if (out / BATCH_FILE).exists() else None
            if known is not None:
                _require_same(known, recipe, weights)
            place = None if model is None else str(model.absolute())
            names = section_names(sections, {} if known is None else known.sections)
            batch = Batch(out, recipe, place, weights, names)
            with atomic_path(out / BATCH_FILE) as temporary:
                temporary.write_text(_text(batch), encoding="utf-8")
    except OSError as error:
        raise InputError(f"Cannot write into {out}: {error.strerror or error}.") from error
    return batch


def known_batch(out: Path) -> Batch:
    """The batch that a folder holds.

    Raises
    ------
    InputError
        When it holds none.
    """
    if not (out / BATCH_FILE).is_file():
        raise InputError(f"{out} holds no batch: there is no {BATCH_FILE}; give the inputs.")
    return _read(out)


def is_finished(folder: Path) -> bool:
    """Whether a section is done; its run folder appears complete or not at all."""
    return (folder / RUN_FILE).is_file()


@contextmanager
def batch_lock(out: Path) -> Iterator[None]:
    """Held while batch.json or the summary is rebuilt; other processes wait."""
    with _locked(out, "summary"):
        yield


@contextmanager
def section_lock(out: Path, name: str) -> Iterator[None]:
    """Held while a section is worked on; it ends with its process, killed or not."""
    with _locked(out, name):
        yield


def thumbnail_file(out: Path, name: str) -> Path:
    """Where the picture of a section for the page is kept."""
    return out / _WORKING / f"{name}.png"


@contextmanager
def _locked(out: Path, name: str) -> Iterator[None]:
    place = out / _WORKING
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / f"{name}.lock", thread_local=False):
        yield


def _read(out: Path) -> Batch:
    path = out / BATCH_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["schema_version"]
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{path} was written by a newer version of the program (schema {version}, this "
                f"one reads {SCHEMA_VERSION}): update the program."
            )
        return Batch(
            out,
            Recipe(**values["recipe"]),
            values["model"],
            values["model_sha256"],
            dict(values["sections"]),
        )
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as a batch ({error}): choose another.") from error


def _text(batch: Batch) -> str:
    return as_json(
        {
            "schema_version": SCHEMA_VERSION,
            "recipe": batch.recipe.model_dump(mode="json"),
            "model": batch.model,
            "model_sha256": batch.model_sha256,
            "sections": batch.sections,
        }
    )


def _require_same(known: Batch, recipe: Recipe, weights: str | None) -> None:
    if known.model_sha256 != weights:
        raise InputError(
            f"{known.out} holds a batch with another model: give the same one, or another folder."
        )
    before, now = known.recipe.model_dump(mode="json"), recipe.model_dump(mode="json")
    for key, value in now.items():
        if before[key] != value:
            raise InputError(
                f"{known.out} holds a batch with another recipe ({key} was {before[key]}, now "
                f"{value}): use the same recipe, or choose another folder."
            )


def _weights_of(model: Path) -> str:
    try:
        described: dict[str, Any] = json.loads((model / MODEL).read_text(encoding="utf-8"))
        return str(described["weights_sha256"])
    except (OSError, ValueError, KeyError) as error:
        kind = "is a file, no" if model.is_file() else "is not a"
        raise InputError(f"{model} {kind} model folder: {MODEL} cannot be read.") from error
