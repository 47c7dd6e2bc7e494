"""What can be exported for a score layer, taken out of the viewer so that a worker can write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains import find_grains
from napari_mineral_anomaly.io.atomic import atomic_path
from napari_mineral_anomaly.io.export import write_labels, write_mask, write_score, write_stack
from napari_mineral_anomaly.progress import (
    CancelToken,
    ProgressCallback,
    ProgressEvent,
    check,
    emit,
)
from napari_mineral_anomaly.result import AnomalyResult
from napari_mineral_anomaly.run_files import (
    CONTRIBUTIONS_FILE,
    GRAINS_FILE,
    LABELS_FILE,
    MASK_FILE,
    SCORE_FILE,
)
from napari_mineral_anomaly.widgets.layers import pixel_size_of, threshold_of
from napari_mineral_anomaly.widgets.links import link_of, linked_layers
from napari_mineral_anomaly.widgets.session import Session, mask_of
from napari_mineral_anomaly.widgets.truth_text import truth_for_files

if TYPE_CHECKING:
    from napari.layers import Layer

TRUTH_FILE = "truth.tif"

Write = Callable[[Path], object]


@dataclass(frozen=True, eq=False)
class ExportItem:
    """One file to write.

    ``write`` works on copies of what the brush can change and on arrays that nothing changes.
    """

    file: str
    write: Write


# In the order of the dock.
TITLES = {
    SCORE_FILE: "Score map",
    MASK_FILE: "Anomaly mask",
    LABELS_FILE: "Pseudo-labels",
    CONTRIBUTIONS_FILE: "Contribution of each element",
    GRAINS_FILE: "Table of grains",
    TRUTH_FILE: "Ground truth",
}


def available(viewer: Any, session: Session, score: Layer | None) -> dict[str, str]:
    """For each file, the reason why it cannot be written; "" where it can."""
    if score is None:
        return dict.fromkeys(TITLES, "no score map is chosen")
    link = link_of(score)
    mask = mask_of(viewer, score)
    no_mask = "make a mask in the dock “Threshold” first" if mask is None else ""
    no_run = "known only for runs of this session"
    return {
        SCORE_FILE: "",
        MASK_FILE: no_mask,
        LABELS_FILE: "" if _pseudo_labels(viewer, score) is not None else no_run,
        CONTRIBUTIONS_FILE: "" if session.run_of(link) is not None else no_run,
        GRAINS_FILE: no_mask,
        TRUTH_FILE: "" if _truth(viewer, score) is not None else "brush a truth mask first",
    }


def plan(viewer: Any, session: Session, score: Layer, files: Iterable[str]) -> list[ExportItem]:
    """The chosen files with everything needed to write them away from the viewer.

    Raises
    ------
    InputError
        When one of them cannot be written, with the reason.
    """
    reasons = available(viewer, session, score)
    items = []
    for file in files:
        if reasons[file]:
            raise InputError(f"{TITLES[file]} cannot be exported: {reasons[file]}.")
        items.append(ExportItem(file, _writer(file, viewer, session, score)))
    if not items:
        raise InputError("Nothing was chosen to export: tick at least one line.")
    return items


def write_items(
    items: list[ExportItem],
    folder: Path,
    *,
    overwrite: bool = False,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Write the files into ``folder``, each complete or not at all.

    Raises
    ------
    InputError
        When the folder cannot be made, or a file exists and ``overwrite`` is not set; nothing
        was written then.
    """
    there = [item.file for item in items if (folder / item.file).exists()]
    if there and not overwrite:
        raise InputError(
            f"{folder} already holds {', '.join(there)}: choose another folder or tick "
            "“Replace files that exist”."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    written = []
    for step, item in enumerate(items):
        check(cancel)
        emit(on_event, ProgressEvent("writing", step, len(items), item.file))
        item.write(folder / item.file)
        written.append(folder / item.file)
    return written


def _writer(file: str, viewer: Any, session: Session, score: Layer) -> Write:
    pixel_size = pixel_size_of(score)
    scores = np.asarray(score.data)
    mask = _copy(mask_of(viewer, score))
    if file == SCORE_FILE:
        return lambda path: write_score(path, scores, pixel_size)
    if file == MASK_FILE:
        return lambda path: write_mask(path, mask, pixel_size)
    if file == LABELS_FILE:
        labels = _copy(_pseudo_labels(viewer, score))
        return lambda path: write_labels(path, labels, pixel_size)
    if file == TRUTH_FILE:
        truth = _copy(_truth(viewer, score))
        return lambda path: write_labels(path, truth_for_files(truth), pixel_size)
    run = session.run_of(link_of(score))
    if file == CONTRIBUTIONS_FILE and run is not None:
        planes, elements = run.result.contributions, run.result.elements
        return lambda path: write_stack(path, planes, elements, pixel_size)
    result = _scores_alone(scores) if run is None else run.result
    result = replace(result, threshold=threshold_of(score), pixel_size=pixel_size)
    return lambda path: _write_grains(path, result, mask)


def _copy(layer: Layer | None) -> Any:
    return None if layer is None else np.array(layer.data)


def _write_grains(path: Path, result: AnomalyResult, mask: Any) -> None:
    with atomic_path(path) as temporary:
        find_grains(result, mask=mask).to_csv(temporary, index=False, encoding="utf-8")


def _scores_alone(scores: Any) -> AnomalyResult:
    """A result for a score map from a file: grains without drivers."""
    return AnomalyResult(
        score=scores,
        threshold=0.0,
        contributions=np.empty((0, *scores.shape), dtype=np.float32),
        pseudo_labels=np.zeros(scores.shape, dtype=np.uint16),
        elements=(),
    )


def _pseudo_labels(viewer: Any, score: Layer) -> Layer | None:
    link = link_of(score)
    if link is None or link.detector is None:
        return None
    found = linked_layers(viewer, link.scan_id, "pseudo_labels", detector=link.detector)
    return next((layer for layer, _ in found), None)


def _truth(viewer: Any, score: Layer) -> Layer | None:
    """The newest truth mask of the score's scan."""
    link = link_of(score)
    scan_id = str(score.unique_id) if link is None else link.scan_id
    found = [layer for layer, _ in linked_layers(viewer, scan_id, "truth")]
    return found[-1] if found else None
