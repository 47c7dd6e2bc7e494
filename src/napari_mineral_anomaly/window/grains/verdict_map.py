"""The verdicts on the map: grains in the colours of what was decided about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.grains.board import GrainBoard
from napari_mineral_anomaly.window.grains.canvas import bring_to_top
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.grains.verdict_colours import VERDICT_CODES, VERDICT_COLOURS
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    layer_by_id,
    scan_name_of,
)
from napari_mineral_anomaly.window.layers.make import add, label_colours, spatial_of

if TYPE_CHECKING:
    from napari.layers import Layer

_DRAWING = "Drawing the verdicts"


def verdict_codes(
    labels: NDArray[np.unsignedinteger[Any]], verdicts: Mapping[int, tuple[str, str]]
) -> NDArray[np.uint8]:
    """The code of the verdict of each pixel (H, W); 0 where there is none."""
    of_grain = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.uint8)
    for grain, (status, _) in verdicts.items():
        of_grain[grain] = VERDICT_CODES.get(status, 0)
    return of_grain[labels]


class VerdictMap:
    """Keeps a layer that shows the verdicts of the listed grains.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    board : GrainBoard
    jobs : DockJobs
    listen : callable
        Connects a signal to a function until the panel is closed.
    """

    def __init__(
        self,
        viewer: Any,
        board: GrainBoard,
        jobs: DockJobs,
        listen: Callable[[Any, Callable[..., None]], None],
    ) -> None:
        self._viewer, self._board, self._jobs = viewer, board, jobs
        listen(board.listed, self.draw)
        listen(board.decided, self.draw)
        self.draw()

    def draw(self) -> None:
        """Draw the verdicts as they are now."""
        listing = self._board.listing
        if listing is None:
            return
        verdicts = self._board.verdicts()
        if not verdicts and first_layer(self._viewer, "verdicts", listing.scan_id) is None:
            return
        labels = listing.labels
        self._jobs.run(
            _DRAWING,
            lambda task: verdict_codes(labels, verdicts),
            lambda codes: self._show(listing, codes),
        )

    def _show(self, listing: GrainListing, codes: NDArray[np.uint8]) -> None:
        layer = first_layer(self._viewer, "verdicts", listing.scan_id)
        if layer is not None:
            layer.data = codes
            # Masks that were made since would hide it.
            bring_to_top(self._viewer, layer)
            return
        score = layer_by_id(self._viewer, listing.score_id)
        if score is not None:
            self._add(score, listing, codes)

    def _add(self, score: Layer, listing: GrainListing, codes: NDArray[np.uint8]) -> None:
        name = scan_name_of(score)
        kwargs = {
            "name": f"verdicts {name}",
            "metadata": Link(listing.scan_id, "verdicts", scan=name).metadata(),
            "colormap": label_colours(VERDICT_COLOURS),
            "opacity": 1.0,
            **spatial_of(score),
        }
        # The user does not draw on this layer: the layer that was active stays active.
        active = self._viewer.layers.selection.active
        layer = add(self._viewer, (codes, kwargs | {"visible": False}, "labels"))
        # While it is hidden: napari computes the outlines of all pixels at each change.
        layer.contour = 1
        layer.editable = False
        active_of(self._viewer).show(layer, True)
        if active is not None:
            self._viewer.layers.selection.active = active
