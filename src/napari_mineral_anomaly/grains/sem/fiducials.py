"""Fiducials: points that were found on the map and on the stage of the SEM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError

Model = Literal["similarity", "affine"]
MODELS: tuple[Model, ...] = get_args(Model)

# Three pairs show whether the stage is mirrored, and fix an affine transform.
FEWEST = 3


@dataclass(frozen=True)
class Fiducial:
    """One point on the map with its reading on the SEM.

    Attributes
    ----------
    name : str
    y_px, x_px : float
        Its place on the map; the centre of the first pixel is at 0, 0.
    sem_y_mm, sem_x_mm : float or None
        What the stage of the SEM shows there; None where it was not read yet.
    """

    name: str
    y_px: float
    x_px: float
    sem_y_mm: float | None = None
    sem_x_mm: float | None = None

    @property
    def is_read(self) -> bool:
        """Whether both readings are there."""
        return self.sem_y_mm is not None and self.sem_x_mm is not None


@dataclass(frozen=True)
class Fiducials:
    """The fiducials of a section, and which transform is fitted to them."""

    points: tuple[Fiducial, ...] = ()
    model: Model = "similarity"

    @property
    def read(self) -> tuple[Fiducial, ...]:
        """The points that have both readings."""
        return tuple(one for one in self.points if one.is_read)


def next_name(names: Iterable[str]) -> str:
    """The first of A, B, ... Z, P27, P28 ... that is not taken."""
    taken = set(names)
    letters = (chr(ord("A") + k) for k in range(26))
    free = next((letter for letter in letters if letter not in taken), None)
    number = 27
    while free is None:
        free = None if f"P{number}" in taken else f"P{number}"
        number += 1
    return free


def map_places(fiducials: Sequence[Fiducial]) -> NDArray[np.float64]:
    """Their places on the map, (n, 2) as (x, y) in pixels."""
    return np.array([(one.x_px, one.y_px) for one in fiducials], np.float64).reshape(-1, 2)


def sem_places(fiducials: Sequence[Fiducial]) -> NDArray[np.float64]:
    """Their readings on the SEM, (n, 2) as (x, y) in mm; NaN where there is none."""
    pairs = [(one.sem_x_mm, one.sem_y_mm) for one in fiducials]
    return np.array(pairs, np.float64).reshape(-1, 2)


def fiducial_entry(fiducial: Fiducial) -> dict[str, Any]:
    """A fiducial as a JSON object."""
    return dict(vars(fiducial))


def fiducial_from_entry(entry: dict[str, Any]) -> Fiducial | None:
    """The fiducial of a JSON object; None for an object that is none, such as one of an SEM."""
    try:
        name, y, x = str(entry["name"]), float(entry["y_px"]), float(entry["x_px"])
        readings = [entry.get("sem_y_mm"), entry.get("sem_x_mm")]
        sem_y, sem_x = (None if value is None else float(value) for value in readings)
    except (KeyError, TypeError, ValueError):
        return None
    numbers = [value for value in (y, x, sem_y, sem_x) if value is not None]
    return Fiducial(name, y, x, sem_y, sem_x) if all(map(isfinite, numbers)) else None


def require_model(name: str) -> Model:
    """The transform of that name.

    Raises
    ------
    InputError
        For an unknown name.
    """
    found = next((model for model in MODELS if model == name), None)
    if found is None:
        raise InputError(f"There is no transform {name!r}; choose one of {', '.join(MODELS)}.")
    return found
