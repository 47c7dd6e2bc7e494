"""The note on a layer: a small JSON entry in ``layer.metadata`` that says what the layer shows.

We find layers by this note and by ``unique_id``, never by name: the user may change names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from napari_mineral_anomaly.io.writing.results import (
    MASK_TITLE,
    PSEUDO_LABELS_TITLE,
    SCORE_TITLE,
    TRUTH_TITLE,
    VALID_TITLE,
)

if TYPE_CHECKING:
    from napari.layers import Layer

KEY = "mineral_anomaly"

Role = Literal[
    "element",
    "score",
    "mask",
    "pseudo_labels",
    "truth",
    "outline",
    "valid",
    "context",
    "agreement",
    "ratio",
    "fiducials",
    "taught",
    "selection",
    "profile",
    "verdicts",
    "grain_brush",
    "contact_sheet",
]

# Titles inside files: the reader recognises a result by them, under any file name.
TITLES_IN_FILES: dict[Role, str] = {
    "score": SCORE_TITLE,
    "mask": MASK_TITLE,
    "pseudo_labels": PSEUDO_LABELS_TITLE,
    "truth": TRUTH_TITLE,
    "valid": VALID_TITLE,
}


@dataclass(frozen=True)
class Link:
    """The note on one layer.

    Attributes
    ----------
    scan_id : str
        Id of the scan, the same for all its layers.
    role : str
        What the layer shows.
    scan : str
        Name of the scan, shown to the user.
    element, quantity, source : str, optional
        For element maps: element, quantity and source as in `ElementCube`.
    detector : str, optional
        For results: the detector that made them.
    threshold : float, optional
        For scores: a pixel is anomalous from this score (background sigmas) on.
    min_grain_px : int, optional
        For scores: grains with fewer pixels are left out of the mask.
    score_id : str, optional
        For masks: ``unique_id`` of the score layer that the mask follows.
    transform : str, optional
        For fiducials: the transform that is fitted to them.
    pairs : sequence of (float, float, float, float), optional
        For images of another grid: row and column of each point on the image, and on the maps.
    """

    scan_id: str
    role: Role
    scan: str = ""
    element: str | None = None
    quantity: str | None = None
    source: str | None = None
    detector: str | None = None
    threshold: float | None = None
    min_grain_px: int | None = None
    score_id: str | None = None
    transform: str | None = None
    pairs: Sequence[Sequence[float]] | None = None

    def metadata(self) -> dict[str, Any]:
        """The note as ``metadata`` for a new layer."""
        return {KEY: {key: value for key, value in asdict(self).items() if value is not None}}


def link_of(layer: Layer) -> Link | None:
    """The note on ``layer``; None for layers that are not ours."""
    note = _note_on(layer)
    return None if note is None else _link(note)


def link_in(metadata: Mapping[str, Any]) -> Link | None:
    """The note in a layer's ``metadata``; None if there is no note of ours."""
    note = _note_in(metadata)
    return None if note is None else _link(note)


def _link(note: Mapping[str, Any]) -> Link:
    known = Link.__dataclass_fields__.keys()
    return Link(**{key: value for key, value in note.items() if key in known})


def scan_id_of(layer: Layer) -> str:
    """The scan of a layer; a layer from elsewhere counts as its own scan."""
    return noted_scan_id(layer) or str(layer.unique_id)


def noted_scan_id(layer: Layer) -> str | None:
    """The scan in the note on ``layer``; None for layers that are not ours."""
    note = _note_on(layer)
    return None if note is None else str(note["scan_id"])


def scan_name_of(layer: Layer) -> str:
    """The name of the scan of a layer, for people; else the layer's own name."""
    link = link_of(layer)
    return layer.name if link is None else link.scan


def role_of(layer: Layer) -> Role | None:
    """What ``layer`` shows, from its note; None for layers that are not ours."""
    note = _note_on(layer)
    return None if note is None else note["role"]


def _note_on(layer: Layer) -> dict[str, Any] | None:
    """The note on ``layer``, unless napari copied it from another layer.

    A copy belongs to the user: with the score of a section there twice, one of them would be
    judged and the other one saved. Of truth masks there may be several.
    """
    note = _note_in(layer.metadata)
    is_copy = note is not None and note["role"] != "truth" and layer.source.parent is not None
    return None if is_copy else note


def _note_in(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    note = metadata.get(KEY)
    ours = isinstance(note, dict) and "scan_id" in note and "role" in note
    return note if ours else None


def relink(layer: Layer, **changes: Any) -> None:
    """Change entries of the note on ``layer``."""
    link = link_of(layer)
    if link is not None:
        layer.metadata[KEY] = replace(link, **changes).metadata()[KEY]


def unwrapped(viewer: Any) -> Any:
    """The viewer itself: napari gives docks a proxy of it."""
    return getattr(viewer, "__wrapped__", viewer)


def layers_of(viewer: Any) -> list[Layer]:
    """All layers of the viewer, bottom first."""
    # Not through napari's proxy: it makes a new proxy at every access.
    return list(iter(unwrapped(viewer).layers))


def layer_by_id(viewer: Any, unique_id: str | None) -> Layer | None:
    """The layer with that ``unique_id``, if it is still in the viewer."""
    wanted = None if unique_id is None else _uuid(unique_id)
    layers = () if wanted is None else layers_of(viewer)
    return next((layer for layer in layers if layer.unique_id == wanted), None)


# Every dock asks for its layer at every change, and to compare texts takes ten times as long.
@lru_cache(maxsize=256)
def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def linked_layers(
    viewer: Any, scan_id: str | None = None, role: Role | None = None, **entries: Any
) -> Iterator[tuple[Layer, Link]]:
    """Our layers whose note has these entries, with their notes, bottom first."""
    # Compare the role first: it excludes most layers.
    wanted = [("role", role), ("scan_id", scan_id)]
    wanted = [(key, value) for key, value in wanted if value is not None] + [*entries.items()]
    for layer in layers_of(viewer):
        # Every dock calls this for every layer that is added or removed. To save time, only a
        # matching note becomes a Link.
        note = _note_on(layer)
        if note is None:
            continue
        for key, value in wanted:
            if note.get(key) != value:
                break
        else:
            yield layer, _link(note)


def first_layer(
    viewer: Any, role: Role, scan_id: str | None = None, **entries: Any
) -> Layer | None:
    """The lowest of our layers whose note has these entries; None if there is none."""
    return next((layer for layer, _ in linked_layers(viewer, scan_id, role, **entries)), None)
