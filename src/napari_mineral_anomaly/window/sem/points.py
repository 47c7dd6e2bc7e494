"""The points layer of the fiducials: one for each section; the layer is the truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import (
    Fiducial,
    Fiducials,
    Model,
    next_name,
    require_model,
)
from napari_mineral_anomaly.grains.sem.fit import SemFit, fit_sem
from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    link_of,
    linked_layers,
    relink,
)
from napari_mineral_anomaly.window.layers.make import LayerData, add, pixel_size_of
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

if TYPE_CHECKING:
    from napari.layers import Layer

_COLOUR = "#ff5fd2"
# Points are seen at any zoom and hide little: their size in pixels of the screen.
_ON_SCREEN = (14, 22)
_NAME, _X, _Y = "name", "sem_x_mm", "sem_y_mm"

_all: PerViewer[SemPoints] = PerViewer(lambda viewer: SemPoints(viewer))


def sem_points_of(viewer: Any) -> SemPoints:
    """The fiducials of a viewer; from the first call on they follow their layers."""
    return _all.of(viewer)


class SemPoints:
    """The fiducials of the sections in a viewer; ``changed`` tells the scan whose changed."""

    changed = Signal(str)

    def __init__(self, viewer: Any) -> None:
        # Weak: with a strong reference here, the viewer would never be freed.
        self._viewer_ref = ref(viewer)
        self._is_writing = False
        # Layers with points that were deleted, by scan: a slip of the hand must not lose readings.
        self._deleted: dict[str, Layer] = {}
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        for layer, _ in linked_layers(viewer, role="fiducials"):
            self._follow(layer)

    @property
    def _viewer(self) -> Any:
        return self._viewer_ref()

    def layer(self, scan_id: str) -> Layer | None:
        """The layer of a scan; None where it has no fiducials."""
        return first_layer(self._viewer, "fiducials", scan_id)

    def fiducials(self, scan_id: str) -> Fiducials:
        """The fiducials of a scan as values."""
        layer = self.layer(scan_id)
        if layer is None:
            return Fiducials()
        link = link_of(layer)
        named = None if link is None else link.transform
        rows = zip(
            np.asarray(layer.data, np.float64).reshape(-1, 2).tolist(),
            layer.features[[_NAME, _Y, _X]].itertuples(index=False, name=None),
            strict=True,
        )
        points = tuple(
            Fiducial(str(name), y, x, _reading(sem_y), _reading(sem_x))
            for (y, x), (name, sem_y, sem_x) in rows
        )
        return Fiducials(points, "similarity" if named is None else require_model(named))

    def fit(self, scan_id: str) -> SemFit:
        """The transform to the SEM.

        Raises
        ------
        InputError
            When the fiducials give none, with the reason.
        """
        layer = self.layer(scan_id)
        return fit_sem(self.fiducials(scan_id), None if layer is None else pixel_size_of(layer))

    def fit_or_none(self, scan_id: str) -> SemFit | None:
        """The transform to the SEM; None where the fiducials give none."""
        try:
            return self.fit(scan_id)
        except InputError:
            return None

    def start(self, scan_id: str, title: str, spatial: dict[str, Any]) -> Layer:
        """The layer of a scan, made where it is missing; the user clicks points on it."""
        layer = self.layer(scan_id)
        if layer is None:
            layer = self.put(scan_id, Fiducials(), title, spatial)
        return layer

    def put(self, scan_id: str, fiducials: Fiducials, title: str, spatial: dict[str, Any]) -> Layer:
        """Add a layer with fiducials, those of a project for example."""
        return add(self._viewer, _layer_of(scan_id, fiducials, title, spatial))

    def n_deleted(self, scan_id: str) -> int:
        """How many points went with a layer that was deleted, and can be brought back."""
        deleted = self._deleted.get(scan_id)
        return 0 if deleted is None or self.layer(scan_id) is not None else len(deleted.data)

    def bring_back(self, scan_id: str) -> None:
        """Put the deleted layer of a scan back, with its readings."""
        if self.n_deleted(scan_id):
            self._viewer.layers.append(self._deleted.pop(scan_id))

    def write(self, scan_id: str, row: int, **values: Any) -> None:
        """Change ``name``, ``sem_x_mm`` or ``sem_y_mm`` of a point; None takes a reading away."""
        layer = self.layer(scan_id)
        if layer is None:
            return
        features = layer.features.copy()
        for key, value in values.items():
            features.loc[features.index[row], key] = np.nan if value is None else value
        self._set_features(layer, features)
        self.changed.emit(scan_id)

    def remove(self, scan_id: str, rows: Iterable[int]) -> None:
        """Remove points."""
        layer = self.layer(scan_id)
        if layer is not None:
            layer.selected_data = set(rows)
            layer.remove_selected()

    def set_model(self, scan_id: str, model: Model) -> None:
        """Fit another transform from now on."""
        layer = self.layer(scan_id)
        if layer is not None and self.fiducials(scan_id).model != model:
            relink(layer, transform=model)
            self.changed.emit(scan_id)

    def _on_inserted(self, event: Any) -> None:
        if self._follow(event.value):
            self._tell(event.value)

    def _on_removed(self, event: Any) -> None:
        link = link_of(event.value)
        if link is not None and link.role == "fiducials":
            event.value.events.data.disconnect(self._on_data)
            event.value.events.features.disconnect(self._on_features)
            if len(event.value.data):
                self._deleted[link.scan_id] = event.value
            self._tell(event.value)

    def _follow(self, layer: Layer) -> bool:
        link = link_of(layer)
        if link is None or link.role != "fiducials":
            return False
        layer.events.data.connect(self._on_data)
        layer.events.features.connect(self._on_features)
        return True

    def _on_data(self, event: Any) -> None:
        layer, action = event.source, str(getattr(event, "action", ""))
        if action.endswith("ing"):  # napari tells before and after a change
            return
        if action == "added":
            self._name_new(layer, event.data_indices)
        self._tell(layer)

    def _on_features(self, event: Any) -> None:
        if not self._is_writing:
            self._tell(event.source)

    def _tell(self, layer: Layer) -> None:
        link = link_of(layer)
        if link is not None:
            self.changed.emit(link.scan_id)

    def _name_new(self, layer: Layer, indices: Iterable[int]) -> None:
        """A new point has a name of its own and no reading; napari copies those of the last one."""
        features = layer.features.copy()
        rows = [k % len(features) for k in indices]
        features[_NAME] = features[_NAME].astype(object)
        taken = [str(name) for k, name in enumerate(features[_NAME]) if k not in rows]
        for row in rows:
            taken.append(next_name(taken))
            features.loc[features.index[row], [_NAME, _X, _Y]] = [taken[-1], np.nan, np.nan]
        self._set_features(layer, features)

    def _set_features(self, layer: Layer, features: pd.DataFrame) -> None:
        self._is_writing = True
        try:
            layer.features = features
        finally:
            self._is_writing = False


def _layer_of(scan_id: str, fiducials: Fiducials, title: str, spatial: dict[str, Any]) -> LayerData:
    points = fiducials.points
    features = pd.DataFrame(
        {
            _NAME: pd.Series([one.name for one in points], dtype=object),
            _X: pd.Series([one.sem_x_mm for one in points], dtype=np.float64),
            _Y: pd.Series([one.sem_y_mm for one in points], dtype=np.float64),
        }
    )
    link = Link(scan_id, "fiducials", scan=title, transform=fiducials.model)
    look = {
        "name": f"SEM fiducials · {title}",
        "metadata": link.metadata(),
        "features": features,
        "ndim": 2,
        "symbol": "cross",
        "size": 3,
        "canvas_size_limits": _ON_SCREEN,
        "face_color": _COLOUR,
        "border_color": _COLOUR,  # at a small size the border hides the cross
        "text": {
            "string": "{name}",
            "color": _COLOUR,
            "size": 13,
            "anchor": "upper_left",
            "translation": (0, 2),
        },
    }
    data = np.array([(one.y_px, one.x_px) for one in points], np.float64).reshape(-1, 2)
    return data, {**spatial, **look}, "points"


def _reading(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
