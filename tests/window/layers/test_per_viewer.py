"""One object for each viewer."""

from __future__ import annotations

import gc
from weakref import ref

from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_mineral_anomaly.window.layers.per_viewer import PerViewer


class Note:
    pass


def test_each_viewer_has_one_object_also_through_naparis_proxy() -> None:
    notes: PerViewer[Note] = PerViewer(lambda _: Note())
    first, second = ViewerModel(), ViewerModel()
    # napari gives docks a proxy that soon is gone; the viewer is not.
    note = notes.of(PublicOnlyProxy(first))
    gc.collect()
    assert note is notes.of(first) is notes.of(PublicOnlyProxy(first))
    assert notes.of(first) is not notes.of(second)


def test_the_object_goes_with_its_viewer() -> None:
    notes: PerViewer[Note] = PerViewer(lambda _: Note())
    viewer = ViewerModel()
    gone = ref(notes.of(viewer))
    assert gone() is not None
    del viewer
    gc.collect()
    assert gone() is None
