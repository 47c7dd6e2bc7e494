"""Sections with and without a pixel size in one window: napari warns at every layer, for nothing.

Only one section is shown, and the layers of each have the same units. A warning about layers of the
user, or about those of the section that is shown, still comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_mineral_anomaly.window.layers.links import link_of

_WARNING = "Inconsistent units across layers"


class UnitWarning:
    """Keeps napari's warning away while only hidden sections have other units.

    Parameters
    ----------
    layers_of_active : callable
        The layers of the window and the id of the section that is shown; None once the window is
        gone.
    """

    def __init__(self, layers_of_active: Callable[[], tuple[Any, str | None] | None]) -> None:
        from napari.utils.notifications import notification_manager

        self._layers_of_active = layers_of_active
        notification_manager.notification_ready.connect(self._look, position="first")

    def _look(self, event: Any) -> None:
        found = self._layers_of_active()
        if found is None or not str(event.message).startswith(_WARNING):
            return
        layers, scan_id = found
        links = {layer: link_of(layer) for layer in layers}
        shown = [one for one, link in links.items() if link is None or link.scan_id == scan_id]
        # Nobody hears of an event after it was blocked.
        event.blocked = bool(shown) and layers.get_extent(shown).units is not None
