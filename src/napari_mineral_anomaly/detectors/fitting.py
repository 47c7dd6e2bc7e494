"""Shared by all detectors: what a fit leaves, and the detectors whose fit is a few arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.base import DetectorConfig, ModelState
from napari_mineral_anomaly.detectors.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.transforms import Transform

# Arrays that a detector learns, by the names that they have in a saved model.
Arrays = dict[str, NDArray[Any]]


class TransformConfig(DetectorConfig):
    """Parameters of every detector that works on transformed pixels."""

    transform: Transform = Field(
        "auto",
        description="Evens out the noise before the statistics; auto: Anscombe for counts, "
        "nothing for other quantities.",
    )


ConfigT = TypeVar("ConfigT", bound=DetectorConfig)
TransformConfigT = TypeVar("TransformConfigT", bound=TransformConfig)


@dataclass(eq=False)
class Fitted(Generic[ConfigT]):
    """What every fit leaves; subclasses define how it scores a scan."""

    name: str
    config: ConfigT
    preprocessing: Preprocessing

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements of the fit, in its order."""
        return self.preprocessing.elements


@dataclass(eq=False)
class FittedArrays(Fitted[ConfigT]):
    """A fit that is saved as the preprocessing and a few arrays."""

    arrays: Arrays

    def state(self) -> ModelState:
        """Arrays and names, for `detectors.bundle`."""
        arrays = {**self.preprocessing.arrays(), **self.arrays}
        return ModelState(arrays, self.preprocessing.meta())


FittedT = TypeVar("FittedT")


class ArrayDetector(ABC, Generic[TransformConfigT, FittedT]):
    """A detector whose fit is a few arrays; subclasses define which, and how they score.

    Attributes
    ----------
    name : str
    config_class : type
        Its parameters; the defaults are used where none are given.
    """

    name: ClassVar[str]
    config_class: type[TransformConfigT]

    def __init__(self, config: TransformConfigT | None = None) -> None:
        self.config = config or self.config_class()

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Learn the arrays from the valid pixels of a scan; by default none."""
        return {}

    @abstractmethod
    def ready(self, preprocessing: Preprocessing, arrays: Arrays) -> FittedT:
        """Build the fitted detector from the arrays that `learn` gave, perhaps long ago."""

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedT:
        """Learn from the valid pixels of a scan.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        task = task or SILENT
        preprocessing = fit_preprocessing(cube, self.config.transform, task=task)
        return self.ready(preprocessing, self.learn(cube, preprocessing, task))

    def load(self, state: ModelState) -> FittedT:
        """Rebuild a fitted detector from `FittedArrays.state`."""
        preprocessing = Preprocessing.from_saved(state.arrays, state.meta)
        return self.ready(preprocessing, state.arrays)
