"""Measures, event by event, how long the main thread works in our code and in napari.

Part of `window_events/run.py`. Each of our slots and handlers is timed from the moment Qt or napari
calls it. The time that it spends inside napari (adding a layer, replacing its data) is counted for
napari; the time of our handlers that napari calls from there is counted for us again.
"""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import pkgutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass
from types import FunctionType
from typing import Any

import napari
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from napari._vispy.camera import VispyCamera
from napari._vispy.canvas import VispyCanvas
from napari._vispy.overlays.scale_bar import VispyScaleBarOverlay
from napari.components import LayerList
from napari.layers import Image, Labels, Layer, Shapes
from napari.utils.events.containers import Selection
from vispy.app.backends._qt import CanvasBackendDesktop

from napari_mineral_anomaly import window
from napari_mineral_anomaly.window.jobs import qt as jobs_qt
from napari_mineral_anomaly.window.workbench.steps import open_step as load_maps

# Qt calls these all the time and they only forward; left out, because they would hide the others.
NOT_EVENTS = {
    "event",
    "sizeHint",
    "minimumSizeHint",
    "put_event",
    "put_outcome",
    "submit",
    "rowCount",
    "columnCount",
    "headerData",
    "flags",
    "data",
    "createEditor",
    "_row",
    "row_of",
    "grain_at",
}
# Attributes of layers that our code sets; setting them makes napari work.
_SETTERS = (
    (Image, "data"),
    (Labels, "data"),
    (Image, "contrast_limits"),
    (Labels, "mode"),
    (Labels, "selected_label"),
    (Labels, "brush_size"),
    (Labels, "visible"),
    (Image, "visible"),
    (Labels, "colormap"),
    (Shapes, "data"),
    (Selection, "active"),
)


OWNERS = ("ours", "napari", "collector")


@dataclass
class Event:
    """One call of our code by Qt or napari: seconds of ours and of others in it.

    The *collector* is a full pass of Python's garbage collector over all objects of the process,
    also those of napari. It runs in whatever code allocates memory at that moment. Its short passes
    count for that code. ``working`` is the processor time of the main thread only, without the wait
    for a processor or for Python's lock while workers compute.
    """

    name: str
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OWNERS, 0.0))
    working: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OWNERS, 0.0))


@dataclass
class Calls:
    """The calls of a method in an event: seconds of ours in it, with and without what it calls."""

    n: int = 0
    own: float = 0.0
    total: float = 0.0


class Watcher:
    """Counts the main thread's time for the code that spends it."""

    def __init__(self, explain_ms: float | None = None) -> None:
        self._explain_ms = explain_ms
        self._calls: dict[str, Calls] = {}
        self._names: list[str] = []
        self.events: dict[str, list[Event]] = {}
        self.stalls: dict[str, float] = {}
        self._feature = ""
        self._started = time.perf_counter()
        self._owners: list[str] = []
        self._event: Event | None = None
        self._since = self._worked = 0.0

    @property
    def feature(self) -> str:
        """The feature that is measured now: events are counted under this name."""
        return self._feature

    @feature.setter
    def feature(self, name: str) -> None:
        now = time.perf_counter() - self._started
        print(f"{now:6.0f} s, {time.process_time():6.0f} s of processor: {name}", flush=True)
        self._feature = name

    def counted(self, owner: str, name: str, function: Callable[[], Any]) -> Any:
        """Call a function and count its time for ``owner``, except where another takes over."""
        outermost = self._event is None
        # A call inside code of the same owner costs nothing here: one event holds many of them.
        if outermost and owner == "napari":  # napari called by itself, not by us: not counted
            return function()
        if not outermost and self._explain_ms is None and self._owners[-1] == owner:
            return function()
        if outermost:
            self._event = Event(name)
            self._calls = {}
            self._since, self._worked = time.perf_counter(), time.thread_time()
        self._count_time()
        self._owners.append(owner)
        self._names.append(name)
        try:
            return function()
        finally:
            self._count_time()
            self._owners.pop()
            self._calls.setdefault(self._names.pop(), Calls()).n += 1
            if outermost and self._event is not None:
                self.events.setdefault(self.feature, []).append(self._event)
                self._explain(self._event)
                self._event = None

    def watch_collector(self) -> None:
        """Count the full passes of Python's garbage collector separately."""
        gc.callbacks.append(self._on_collection)

    def _on_collection(self, phase: str, about: dict[str, int]) -> None:
        on_main = threading.current_thread() is threading.main_thread()
        if not on_main or self._event is None:
            return
        if about["generation"] < 2:
            self._on_short_pass(phase)
            return
        self._count_time()
        if phase == "start":
            self._owners.append("collector")
        elif self._owners and self._owners[-1] == "collector":
            self._owners.pop()

    def _on_short_pass(self, phase: str) -> None:
        """A short pass of the collector counts for the code that it interrupts."""
        self._count_time()
        if phase == "start":
            self._names.append("short passes of the collector")
        elif self._names[-1:] == ["short passes of the collector"]:
            self._calls.setdefault(self._names.pop(), Calls()).n += 1

    def _explain(self, event: Event) -> None:
        """Print which of our methods took long in an event, if wanted."""
        if self._explain_ms is None or 1e3 * event.working["ours"] < self._explain_ms:
            return
        rows = sorted(self._calls.items(), key=lambda row: -row[1].total)
        shares = {owner: round(1e3 * seconds, 1) for owner, seconds in event.working.items()}
        print(f"--- {self.feature}: {event.name}, ms {shares}")
        for name, calls in rows[:40]:
            print(f"{1e3 * calls.total:7.1f} {1e3 * calls.own:7.1f} ms {calls.n:4d} ×  {name}")

    def _count_time(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        if self._owners and self._event is not None:
            self._event.seconds[self._owners[-1]] += now - self._since
            self._event.working[self._owners[-1]] += worked - self._worked
            if self._explain_ms is not None and self._owners[-1] == "ours":
                self._calls.setdefault(self._names[-1], Calls()).own += worked - self._worked
                for name in set(self._names):
                    self._calls.setdefault(name, Calls()).total += worked - self._worked
        self._since, self._worked = now, worked

    def wrapped(self, function: Callable[..., Any], owner: str, name: str) -> Any:
        """The function with its time counted; calls in worker threads are not counted."""
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        takes_any = inspect.Parameter.VAR_POSITIONAL in kinds
        main = threading.main_thread().ident
        most = sum(kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            # Qt passes only as many arguments of a signal as the slot takes.
            args = args if takes_any else args[:most]
            if threading.get_ident() != main:
                return function(*args, **kwargs)
            return self.counted(owner, name, functools.partial(function, *args, **kwargs))

        return call

    def watch_our_code(self) -> None:
        """Wrap every method of our docks, the session and the job relay."""
        jobs = f"{window.__name__}.jobs"
        found = pkgutil.walk_packages(window.__path__, f"{window.__name__}.")
        names = [module.name for module in found if not module.name.startswith(jobs)]
        for module in (jobs_qt, *map(importlib.import_module, names)):
            for _, kind in inspect.getmembers(module, inspect.isclass):
                # Dataclasses hold no code of events.
                if kind.__module__ != module.__name__ or is_dataclass(kind):
                    continue
                for name, member in list(vars(kind).items()):
                    if isinstance(member, FunctionType) and name not in NOT_EVENTS:
                        title = f"{kind.__name__}.{name}"
                        setattr(kind, name, self.wrapped(member, "ours", title))

    def watch_napari(self) -> None:
        """Wrap the functions of napari that our code calls."""
        for kind, name in (
            (napari.components.ViewerModel, "add_layer"),
            (napari.components.ViewerModel, "reset_view"),
            (napari.components.ViewerModel, "fit_to_view"),
            (Shapes, "add"),
        ):
            setattr(kind, name, self.wrapped(getattr(kind, name), "napari", name))
        # When a dock is moved, napari writes its settings, makes a new title, draws its canvas.
        for kind, name in (
            (QtViewerDockWidget, "_update_default_dock_area"),
            (QtViewerDockWidget, "_set_title_orientation"),
            (CanvasBackendDesktop, "event"),
        ):
            setattr(kind, name, self.wrapped(getattr(kind, name), "napari", name))
        # napari draws the brush of the selected layer; the scale bar follows the camera.
        for kind, name in (
            (VispyCanvas, "_update_viewer_overlays"),
            (VispyScaleBarOverlay, "_on_size_or_zoom_change"),
            (VispyCanvas, "_resume_scene_graph_update"),
        ):
            setattr(kind, name, self.wrapped(getattr(kind, name), "napari", name))
        # A moved camera makes vispy move the picture of every layer.
        for name in ("_on_center_change", "_on_zoom_change"):
            member = getattr(VispyCamera, name)
            setattr(VispyCamera, name, self.wrapped(member, "napari", "camera"))
        for name in ("move", "remove"):
            member = getattr(LayerList, name)
            setattr(LayerList, name, self.wrapped(member, "napari", name))
        # One line of our code that makes napari build its scale bar.
        load_maps.show_scale_bar = self.wrapped(load_maps.show_scale_bar, "napari", "scale_bar")
        Layer.create = classmethod(self.wrapped(Layer.create.__func__, "napari", "create"))
        for kind, name in _SETTERS:
            owner = next(k for k in kind.__mro__ if name in vars(k))
            old = vars(owner)[name]
            if not getattr(old.fset, "__wrapped__", None):
                setter = self.wrapped(old.fset, "napari", name)
                setattr(owner, name, property(old.fget, setter, old.fdel, old.__doc__))
