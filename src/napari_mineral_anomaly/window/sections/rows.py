"""What the list says of each section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.window.detecting.queue import queue_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.attached import files_of
from napari_mineral_anomaly.window.layers.links import layers_of, link_of
from napari_mineral_anomaly.window.project.keeper import SectionKeeper
from napari_mineral_anomaly.window.project.projects import projects_of

if TYPE_CHECKING:
    from napari.layers import Layer

ACCEPTED = "accept"


@dataclass(frozen=True)
class SectionRow:
    """One section of the window.

    Attributes
    ----------
    scan_id, name : str
    state : str
        What happens to it, in a word or two.
    accepted : int
        Grains that the user accepted.
    place : str
        Where its project and its maps are, for a tooltip.
    is_active : bool
    """

    scan_id: str
    name: str
    state: str
    accepted: int
    place: str
    is_active: bool


@dataclass(frozen=True, eq=False)
class SectionLayers:
    """The layers that the picture and the number of grains of a section are made from."""

    score: Layer | None = None
    mask: Layer | None = None
    element: Layer | None = None


def section_rows(viewer: Any) -> list[SectionRow]:
    """The sections of a window that have maps or results, in the order in which they came."""
    active, board = active_of(viewer), board_of(viewer)
    keepers = projects_of(viewer).keepers
    has_result: set[str] = set()
    names: dict[str, str] = {}
    for layer in layers_of(viewer):
        link = link_of(layer)
        if link is not None and link.role in ("element", "score"):
            names.setdefault(link.scan_id, link.scan or str(layer.name))
            if link.role == "score":
                has_result.add(link.scan_id)
    rows = []
    for scan_id, name in names.items():
        book = board.book(scan_id)
        verdicts = () if book is None else book.verdicts
        rows.append(
            SectionRow(
                scan_id,
                name,
                _state(viewer, scan_id, scan_id in has_result, keepers),
                sum(one.status == ACCEPTED for one in verdicts),
                _place(viewer, scan_id, keepers),
                scan_id == active.scan_id,
            )
        )
    return rows


def layers_to_look_at(viewer: Any, scan_id: str) -> SectionLayers:
    """The newest score with its mask, and the lowest element map."""
    score = mask = element = None
    for layer in layers_of(viewer):
        link = link_of(layer)
        if link is None or link.scan_id != scan_id:
            continue
        if link.role == "score":
            score, mask = layer, None
        elif link.role == "mask" and score is not None and link.score_id == str(score.unique_id):
            mask = layer
        elif link.role == "element" and element is None:
            element = layer
    return SectionLayers(score, mask, element)


def _state(
    viewer: Any, scan_id: str, has_result: bool, keepers: Mapping[str, SectionKeeper]
) -> str:
    queue = queue_of(viewer)
    if queue.running is not None and queue.running.scan_id == scan_id:
        return "running"
    if any(run.scan_id == scan_id for run in queue.waiting):
        return "waiting"
    keeper = keepers.get(scan_id)
    if keeper is None:
        return "not saved" if has_result else "no run yet"
    if keeper.is_read_only:
        return "read-only"
    if keeper.problem:
        return "not saved"
    return "saving" if keeper.has_unsaved_work else "saved"


def _place(viewer: Any, scan_id: str, keepers: Mapping[str, SectionKeeper]) -> str:
    lines = []
    files = files_of(viewer, scan_id)
    if files is not None:
        lines.append(f"Maps: {files.sources[0]}")
    keeper = keepers.get(scan_id)
    if keeper is not None:
        lines.append(keeper.status)
    return "\n".join(lines)
