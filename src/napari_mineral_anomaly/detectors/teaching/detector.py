"""A detector that was taught: another one, and what a person added to its background."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import Detector, FittedDetector, ModelState
from napari_mineral_anomaly.detectors.registry import TAUGHT_SUFFIX
from napari_mineral_anomaly.detectors.results.maps_on_demand import FadedMaps
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.teaching.background import TaughtBackground
from napari_mineral_anomaly.detectors.teaching.mixtures import Noise, Signature
from napari_mineral_anomaly.detectors.teaching.score import learn_taught, taught_score
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import sizes


def taught_name(detector: str) -> str:
    """The name of a detector once it was taught."""
    return untaught_name(detector) + TAUGHT_SUFFIX


def untaught_name(detector: str) -> str:
    """The name of the detector that was taught; of an untaught one its own."""
    return detector.removesuffix(TAUGHT_SUFFIX)


def is_taught(detector: str | None) -> bool:
    """Whether a name is that of a taught detector."""
    return detector is not None and detector.endswith(TAUGHT_SUFFIX)


class FittedTaught:
    """A fitted detector with a taught background; it scores other scans with it too."""

    def __init__(self, inner: FittedDetector, background: TaughtBackground) -> None:
        self.inner, self.background = inner, background
        self.name = taught_name(inner.name)
        self.config = inner.config
        self.elements = inner.elements

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan; the taught pixels themselves belong to the scan they were brushed on."""
        task = task or SILENT
        return with_background(cube, self.inner.score(cube, task=task), self.background, task=task)

    def state(self) -> ModelState:
        """The state of the inner detector, and the background."""
        inner, background = self.inner.state(), self.background
        arrays = {f"inner/{name}": array for name, array in inner.arrays.items()}
        arrays |= {
            "kinds": background.kinds,
            "signature_means": np.stack([one.mean for one in background.signatures]),
            "signature_variances": np.stack([one.variance for one in background.signatures]),
            "noise_constant": background.noise.constant,
        }
        meta = {
            "inner": inner.meta,
            "elements": list(background.elements),
            "noise_slope": background.noise.slope,
            "noise_chemistry": background.noise.chemistry,
        }
        return ModelState(arrays, meta)


class TaughtDetector:
    """What `registry.make_detector` gives for the name of a taught detector."""

    def __init__(self, inner: Detector) -> None:
        self.inner = inner
        self.name = taught_name(inner.name)
        self.config = inner.config

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedTaught:
        """Refused: it takes a person to say what is ordinary."""
        raise InputError(
            f"{self.name} is not run by itself: run {self.inner.name}, then teach its result with "
            "a mask of ordinary pixels (--taught MASK, or the brush of the step “Decide”)."
        )

    def load(self, state: ModelState) -> FittedTaught:
        """Rebuild from `FittedTaught.state`."""
        inner = {
            name.removeprefix("inner/"): array
            for name, array in state.arrays.items()
            if name.startswith("inner/")
        }
        arrays, meta = state.arrays, state.meta
        background = TaughtBackground(
            elements=tuple(meta["elements"]),
            kinds=arrays["kinds"],
            signatures=tuple(
                Signature(mean, variance)
                for mean, variance in zip(
                    arrays["signature_means"], arrays["signature_variances"], strict=True
                )
            ),
            noise=Noise(
                arrays["noise_constant"], float(meta["noise_slope"]), float(meta["noise_chemistry"])
            ),
        )
        return FittedTaught(self.inner.load(ModelState(inner, meta["inner"])), background)


def teach(
    cube: ElementCube,
    result: AnomalyResult,
    fitted: FittedDetector,
    taught: NDArray[np.bool_],
    *,
    task: Task = SILENT,
) -> tuple[AnomalyResult, FittedTaught]:
    """Move brushed pixels, and all that has their signature, into the background of a result.

    Nothing is trained or fitted again: the score falls where the maps show the taught signature and
    nothing else that is odd (`score.taught_score`). This works for every detector alike, because it
    needs its score and the maps only.

    Parameters
    ----------
    cube : ElementCube
        The scan that was scored.
    result, fitted
        Of an untaught detector.
    taught : (H, W) bool
        The pixels that a person calls ordinary.
    task : Task, optional

    Returns
    -------
    AnomalyResult
        ``taught`` holds the mask; ``info["taught_pixels"]`` counts it, and ``info["taught_from"]``
        names the untaught detector.
    FittedTaught

    Raises
    ------
    InputError
        When the mask has another size, or no pixel of the sample is brushed or none is left.
    """
    if taught.shape != result.score.shape or cube.shape != result.score.shape:
        raise InputError(
            f"The mask of ordinary pixels has {sizes(taught.shape)} pixels, the score "
            f"{sizes(result.score.shape)}: both must be of the same scan."
        )
    started = time.perf_counter()
    taught = taught & cube.valid
    background = learn_taught(cube, result.score, taught, task=task)
    named = FittedTaught(fitted, background)
    new = with_background(cube, result, background, taught, task=task)
    timings: dict[str, Any] = {**(result.info.timings or {})}
    timings["teaching"] = time.perf_counter() - started
    return new.with_info(detector=named.name, timings=timings), named


def with_background(
    cube: ElementCube,
    result: AnomalyResult,
    background: TaughtBackground,
    taught: NDArray[np.bool_] | None = None,
    *,
    task: Task = SILENT,
) -> AnomalyResult:
    """A result with a taught background; pseudo-labels stay, and what is explained adds nothing."""
    missing = [name for name in background.elements if name not in cube.elements]
    if missing:
        raise InputError(
            f"{cube.source or 'The scan'} has no map of {', '.join(missing)}, which the taught "
            "background needs."
        )
    score, fallen = taught_score(cube, result.score, background, taught, task=task)
    n_taught = 0 if taught is None else int(np.count_nonzero(taught))
    # Few users look at all of them, and a stack of its own would take as long as the teaching.
    rest = FadedMaps(result.contributions, np.float32(1.0) - fallen)
    return replace(result, score=score, taught=taught, contributions=rest).with_info(
        taught_from=result.info.detector or "", taught_pixels=n_taught
    )
