"""The recipe of a batch: a TOML file with everything that ``detect`` can be told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from napari_mineral_anomaly.detectors.base import DetectorConfig, Device
from napari_mineral_anomaly.detectors.registry import (
    DEFAULT_DETECTOR,
    config_class,
    detector_names,
    make_config,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS
from napari_mineral_anomaly.io.formats.shared.disk.places import require_file
from napari_mineral_anomaly.runs.read_scan import ReadingOptions
from napari_mineral_anomaly.scan.plausible import require_plausible_length


def _two_sizes(value: Any) -> Any:
    return (value, value) if isinstance(value, int | float) else value


def _pixel_size(value: tuple[float, float]) -> tuple[float, float]:
    down, across = (require_plausible_length(size, "pixel size") for size in value)
    return down, across


_PixelSize = Annotated[
    tuple[float, float], BeforeValidator(_two_sizes), AfterValidator(_pixel_size)
]


class Recipe(BaseModel):
    """What is done with every section; the names are those of the options of ``detect``.

    ``parameters`` holds the tables of the file that are named after detectors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str | None = None
    seed: int | None = None
    device: Device | None = None
    epochs: int | None = None
    quick: bool | None = None
    threshold: float | None = Field(None, allow_inf_nan=False)
    min_grain_px: int = Field(1, ge=1)
    list: int = Field(DEFAULT_ROWS, ge=0)
    pixel_size: _PixelSize | None = None
    spot_size: float | None = Field(None, gt=0)
    missing: tuple[float | str, ...] | None = None
    sample: str | None = None
    names: dict[str, str] | None = None
    energy: tuple[float, float] | None = None
    elements: tuple[str, ...] | None = None
    channels: Literal["first", "last"] | None = None
    beam_energy: float | None = None
    monochromatic: bool | None = None
    per_second: bool = False
    parameters: dict[str, dict[str, Any]] = {}

    @property
    def detector_name(self) -> str:
        """The detector that is fitted where no model is given."""
        return self.detector or DEFAULT_DETECTOR

    @property
    def reading(self) -> ReadingOptions:
        """How each section is read."""
        names = set(ReadingOptions.__dataclass_fields__) & set(type(self).model_fields)
        return ReadingOptions(**{name: getattr(self, name) for name in names})

    def config(self) -> DetectorConfig:
        """The parameters of the detector.

        Raises
        ------
        InputError
            For an unknown detector or an impossible value.
        """
        name = self.detector_name
        values = dict(self.parameters.get(name, {}))
        given = {
            "seed": self.seed,
            "device": self.device,
            "epochs": self.epochs,
            "quick": self.quick,
        }
        known = config_class(name).model_fields
        if self.quick and "quick" not in known and name == self.detector_name:
            raise InputError(f"only the detector msfa has quick; {name} does not.")
        values |= {k: v for k, v in given.items() if v is not None and k in known}
        return make_config(name, **values)


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    InputError
        When the file cannot be read, is not TOML, or says something that is unknown or impossible.
    """
    require_file(path, "a TOML file")
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except OSError as error:
        raise InputError(f"Cannot read the recipe {path}: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe {path} is not TOML: {error}.") from error
    tables = {name: values.pop(name) for name in detector_names() if name in values}
    known = [name for name in Recipe.model_fields if name != "parameters"]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InputError(
            f"The recipe {path} holds {unknown[0]}, which is unknown; it may hold "
            f"{', '.join(known)}, and a table named after a detector."
        )
    try:
        recipe = Recipe(**values, parameters=tables)
        for name in {recipe.detector_name, *tables}:
            recipe.model_copy(update={"detector": name}).config()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"The recipe {path}: {place}: {first['msg']}.") from error
    except InputError as error:
        raise InputError(f"The recipe {path}: {error}") from error
    return recipe
