from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.registry import ENTRIES, config_class, make_config
from napari_mineral_anomaly.window.detecting.parameter_form import MAIN_FIELDS, ParameterForm


class Config(DetectorConfig):
    epochs: int = Field(7, ge=0, le=50, description="How long.")
    rate: float = Field(0.0015, gt=0.0, le=1.0, description="How fast.")
    share: float = Field(1 / 64, ge=0.0)
    mode: Literal["one", "two"] = Field("two", description="Which.")
    off: bool = Field(False)
    a: int = 1
    b: int = 2


@pytest.fixture
def form(qtbot: object) -> ParameterForm:
    form = ParameterForm(Config)
    qtbot.addWidget(form)
    return form


def test_the_form_holds_the_defaults_of_the_config_exactly(form: ParameterForm) -> None:
    defaults = Config().model_dump()
    assert form.values() == {k: v for k, v in defaults.items() if k not in ("seed", "device")}


def test_bounds_choices_and_tooltips_come_from_the_config(form: ParameterForm) -> None:
    fields = form._fields
    assert (fields["epochs"].min, fields["epochs"].max) == (0, 50)
    assert fields["rate"].max == 1.0
    assert fields["mode"].choices == ("one", "two")
    assert fields["epochs"].tooltip == "How long."


def test_what_is_typed_reaches_the_config(form: ParameterForm) -> None:
    form.set_value("epochs", 12)
    form.set_value("rate", 0.002)
    form.set_value("mode", "one")
    config = Config(**form.values())
    assert (config.epochs, config.rate, config.mode) == (12, 0.002, "one")


def test_only_the_main_parameters_are_shown_at_once(form: ParameterForm) -> None:
    hidden = form.more.content()
    assert not form.more.isExpanded()
    assert not hidden.isAncestorOf(form._fields["epochs"].native)
    assert hidden.isAncestorOf(form._fields["a"].native)


@pytest.mark.parametrize("name", list(ENTRIES))
def test_every_detector_has_a_form_that_gives_its_defaults(name: str, qtbot: object) -> None:
    form = ParameterForm(config_class(name))
    qtbot.addWidget(form)
    assert make_config(name, **form.values()) == config_class(name)()
    assert len([field for field in MAIN_FIELDS if field in form._fields]) <= 6
    for field in form._fields.values():
        assert field.tooltip, f"{name}: {field.name} explains nothing"


def test_the_fields_come_in_turns_and_in_their_order(qtbot: object) -> None:
    form = ParameterForm(config_class("msfa"))
    qtbot.addWidget(form)
    assert len(form._built) == 2, "a dock is not kept waiting for all of them"
    assert make_config("msfa", **form.values()) == config_class("msfa")()
    qtbot.waitUntil(lambda: not form._next_turn.isActive(), timeout=10_000)
    expected = [name for name in MAIN_FIELDS if name in config_class("msfa").model_fields]
    assert [id(field) for field in form._main] == [id(form._built[name]) for name in expected]
    assert len(form._built) == len(form.values())


def test_a_quick_look_is_the_first_choice_in_plain_words(qtbot: object) -> None:
    form = ParameterForm(config_class("msfa"))
    qtbot.addWidget(form)
    field = form._main[0]
    shown = field.label if field.label else field.text
    assert "Quick look, without training" in (shown, getattr(field, "text", ""))
    assert field.value is False
    field.value = True
    assert make_config("msfa", **form.values()).quick is True
