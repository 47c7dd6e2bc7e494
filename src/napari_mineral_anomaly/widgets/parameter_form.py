"""The form of a detector's parameters, built with magicgui from its pydantic config."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container, create_widget
from pydantic.fields import FieldInfo
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_mineral_anomaly.detectors.base import DetectorConfig

# Shown at once, as far as a detector has them; the rest waits under "More parameters".
MAIN_FIELDS = ("epochs", "transform", "anomal_prop", "weight_mode", "score")

# Seed and device concern every detector and have a place of their own in the dock.
SHARED_FIELDS = tuple(DetectorConfig.model_fields)

# Names of the literature, in a geologist's words.
TITLES = {
    "anomal_prop": "anomalous share, at most",
    "transform": "evening out of noise",
    "weight_mode": "weight of candidates",
    "score": "score of the residual",
    "epochs": "training steps",
    "pre_epochs": "steps of the first stage",
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

    def __init__(self, config_class: type[DetectorConfig]) -> None:
        super().__init__()
        self._fields: dict[str, Any] = {}
        schema = config_class.model_json_schema()["properties"]
        for name, field in config_class.model_fields.items():
            if name not in SHARED_FIELDS:
                self._fields[name] = _field_widget(name, field, schema[name])
        main = [name for name in MAIN_FIELDS if name in self._fields]
        if len(self._fields) <= len(MAIN_FIELDS):
            main = list(self._fields)
        more = [name for name in self._fields if name not in main]

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        # The containers own their native widgets: without a reference here they would be gone.
        self._containers = [self._container(main)]
        column.addWidget(self._containers[0].native)
        self.more = QCollapsible("More parameters", expandedIcon="▾", collapsedIcon="▸")
        self.more.toggleButton().setToolTip("Everything else; the defaults are a good start.")
        if more:
            self._containers.append(self._container(more))
            self.more.addWidget(self._containers[1].native)
            column.addWidget(self.more)

    def values(self) -> dict[str, Any]:
        """The parameters as they stand in the form."""
        return {name: widget.value for name, widget in self._fields.items()}

    def set_value(self, name: str, value: Any) -> None:
        """Set one parameter."""
        self._fields[name].value = value

    def _container(self, names: list[str]) -> Container:
        container = Container(widgets=[self._fields[name] for name in names], labels=True)
        container.margins = (0, 0, 0, 0)
        return container


def _field_widget(name: str, field: FieldInfo, schema: dict[str, Any]) -> Any:
    options: dict[str, Any] = {"tooltip": field.description or ""}
    annotation: Any = field.annotation
    if annotation in (int, float):
        # Spin boxes need both ends; what the config leaves open is only limited by the box.
        options["min"] = schema.get("minimum", schema.get("exclusiveMinimum", -(10**6)))
        options["max"] = schema.get("maximum", schema.get("exclusiveMaximum", 10**6))
    if annotation is float:
        options["step"] = 10.0 ** -_decimals(field.default)
    widget = create_widget(
        value=field.default,
        annotation=annotation,
        label=TITLES.get(name, name.replace("_", " ")),
        options=options,
    )
    widget.min_width = 90
    return widget


def _decimals(value: float) -> int:
    """Decimals that show ``value`` exactly and leave room for one digit more."""
    text = f"{float(value):.8f}".rstrip("0")
    return len(text.partition(".")[2]) + 1
