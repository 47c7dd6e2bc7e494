"""The form of a detector's parameters, built with magicgui from its pydantic config."""

from __future__ import annotations

from collections import deque
from typing import Any

from magicgui.widgets import Container, create_widget
from pydantic.fields import FieldInfo
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.window.kit.wheel import calm_wheel

# Shown at once where a detector has them; the others are under "More parameters".
MAIN_FIELDS = ("quick", "epochs", "transform", "anomal_prop", "weight_mode", "score")

# Seed and device belong to every detector; they have their own place in the dock.
SHARED_FIELDS = tuple(DetectorConfig.model_fields)

# Names from the literature, in a geologist's words.
TITLES = {
    "quick": "Quick look, without training",
    "anomal_prop": "largest odd share",
    "transform": "noise transform",
    "weight_mode": "weight of candidates",
    "score": "score of the residual",
    "epochs": "training steps",
    "pre_epochs": "first-stage steps",
    "eps": "DBSCAN radius",
    "eps_mode": "DBSCAN radius is",
    "min_samples": "DBSCAN neighbours",
}


class ParameterForm(QWidget):
    """Fields for the parameters of one detector.

    Parameters
    ----------
    config_class : subclass of DetectorConfig
        The source of names, defaults, bounds, choices and tooltips.
    """

    changed = Signal()

    def __init__(self, config_class: type[DetectorConfig]) -> None:
        super().__init__()
        self._config_class = config_class
        self._built: dict[str, Any] = {}
        names = [name for name in config_class.model_fields if name not in SHARED_FIELDS]
        main = [name for name in MAIN_FIELDS if name in names]
        if len(names) <= len(MAIN_FIELDS):
            main = names
        rest = [name for name in names if name not in main]

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        # The containers own their native widgets: without a reference here Qt would delete them.
        self._main, self._rest = _container(), _container()
        waiting = [(name, self._main) for name in main] + [(name, self._rest) for name in rest]
        self._waiting = deque(waiting)
        # The first two are built now, to give the form its size; the others follow later.
        for _ in main[:2]:
            self._build_next()
        column.addWidget(self._main.native)
        self.more = QCollapsible("More parameters", expandedIcon="▾", collapsedIcon="▸")
        self.more.toggleButton().setToolTip("All other parameters; the defaults are a good start.")
        # One field per turn of the event loop: all at once would stop the window for a tenth of a
        # second.
        self._next_turn = QTimer(self)
        self._next_turn.timeout.connect(self._build_next)
        if rest:
            self.more.addWidget(self._rest.native)
            column.addWidget(self.more)
        self._next_turn.start(0)

    def values(self) -> dict[str, Any]:
        """The parameters as typed in the form."""
        fields = self._config_class.model_fields
        waiting = {name: fields[name].default for name, _ in self._waiting}
        return {name: widget.value for name, widget in self._built.items()} | waiting

    def set_value(self, name: str, value: Any) -> None:
        """Set one parameter."""
        self._fields[name].value = value

    @property
    def _fields(self) -> dict[str, Any]:
        """All fields by name; fields that are not built yet are built now."""
        while self._waiting:
            self._build_next()
        return self._built

    def _build_next(self) -> None:
        if not self._waiting:
            self._next_turn.stop()
            return
        name, container = self._waiting.popleft()
        self._built[name] = _field_widget(name, self._config_class.model_fields[name])
        self._built[name].changed.connect(lambda value: self.changed.emit())
        container.append(self._built[name])
        calm_wheel(container.native)  # the form may be in sight already


def _container() -> Container:
    container = Container(labels=True)
    container.margins = (0, 0, 0, 0)
    return container


def _field_widget(name: str, field: FieldInfo) -> Any:
    options: dict[str, Any] = {"tooltip": field.description or ""}
    annotation: Any = field.annotation
    if annotation in (int, float):
        # Spin boxes need both ends; 10**6 stands for an end that the config leaves open.
        options["min"] = _bound(field, ("ge", "gt"), -(10**6))
        options["max"] = _bound(field, ("le", "lt"), 10**6)
    if annotation is float:
        options["step"] = 10.0 ** -_decimals(field.default)
    widget = create_widget(
        value=field.default,
        annotation=annotation,
        label=title_of(name),
        options=options,
    )
    widget.min_width = 90
    return widget


def title_of(name: str) -> str:
    """What stands beside the field of a parameter."""
    text = TITLES.get(name, name.replace("_", " "))
    return text[:1].upper() + text[1:]


def _bound(field: FieldInfo, kinds: tuple[str, ...], otherwise: float) -> Any:
    """A bound of a field. The JSON schema of the config has it too, but takes ten times as long."""
    found = (getattr(part, kind, None) for kind in kinds for part in field.metadata)
    return next((value for value in found if value is not None), otherwise)


def _decimals(value: float) -> int:
    """Decimals that show ``value`` exactly, plus one."""
    text = f"{float(value):.8f}".rstrip("0")
    return len(text.partition(".")[2]) + 1
