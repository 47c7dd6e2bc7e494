"""Fisher's sum: what several detectors say together.

Each member's score is a tail probability of its own background (`results.calibration`). Fisher
(1925), Statistical Methods for Research Workers, section 21.1, joins such probabilities by the sum
of their logarithms. The members are not independent, so the sum is calibrated once more on the
scan.

The members ask different questions: `robust-rx` compares a pixel with the whole scan, `local-rx`
with its surroundings, `knn` and `iforest` with the most similar pixels. The sum is plain: a member
that knows nothing of a scan counts as much as the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from napari_mineral_anomaly.detectors.base import (
    FittedDetector,
    ModelState,
    finish_result,
    info_without_network,
)
from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import ArrayDetector, TransformConfig
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.local_rx import LocalRxConfig, LocalRxDetector
from napari_mineral_anomaly.detectors.statistical.neighbours_and_forest import (
    IsolationForestConfig,
    IsolationForestDetector,
    KnnConfig,
    KnnDetector,
)
from napari_mineral_anomaly.detectors.statistical.robust_rx import RobustRxConfig, RobustRxDetector
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


class ConsensusConfig(TransformConfig):
    """Parameters of the consensus; its members keep their own defaults."""

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        expected = [
            member.config.expected_seconds(n_pixels, n_elements) for member in members(self)
        ]
        known = [seconds for seconds in expected if seconds is not None]
        return ExpectedSeconds(sum(s.fit for s in known), sum(s.score for s in known))


def members(config: ConsensusConfig) -> tuple[ArrayDetector[Any, Any], ...]:
    """The detectors whose scores are summed; the first one gives the contributions."""
    shared = config.model_dump()
    return (
        RobustRxDetector(RobustRxConfig(**shared)),
        LocalRxDetector(LocalRxConfig(**shared)),
        KnnDetector(KnnConfig(**shared)),
        IsolationForestDetector(IsolationForestConfig(**shared)),
    )


@dataclass(eq=False)
class FittedConsensus:
    """The fitted members, which score together."""

    name: str
    config: ConsensusConfig
    members: tuple[FittedDetector, ...]

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements of the fit, the same for all members."""
        return self.members[0].elements

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan with every member and add up.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        total = np.zeros(cube.shape, dtype=np.float64)
        first: AnomalyResult | None = None
        for member in self.members:
            result = member.score(cube, task=task)
            total += fisher_term(result.score)
            first = first or result
        assert first is not None
        info = info_without_network(
            {key: first.info[key] for key in ("elements", "dropped_elements", "transform")}
            | {"members": [member.name for member in self.members]}
        )
        return finish_result(cube, total, first.contributions, None, info)

    def state(self) -> ModelState:
        """The states of all members, each under its name."""
        states = {member.name: member.state() for member in self.members}
        return ModelState.of_parts(
            {name: state.arrays for name, state in states.items()},
            {name: state.meta for name, state in states.items()},
        )


class ConsensusDetector:
    """The plain sum of four detectors, see `members`."""

    name = "consensus"

    def __init__(self, config: ConsensusConfig | None = None) -> None:
        self.config = config or ConsensusConfig()

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedConsensus:
        """Fit every member on the valid pixels of a scan.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        fitted = tuple(member.fit(cube, task=task) for member in members(self.config))
        return FittedConsensus(self.name, self.config, fitted)

    def load(self, state: ModelState) -> FittedConsensus:
        """Rebuild the members from what `FittedConsensus.state` gave."""
        parts = state.parts()
        fitted = tuple(
            member.load(ModelState(parts[member.name], state.meta[member.name]))
            for member in members(self.config)
        )
        return FittedConsensus(self.name, self.config, fitted)


def fisher_term(score: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Fisher's ``-2 log p`` of background sigmas; far scores do not underflow."""
    return np.asarray(-2 * special.log_ndtr(-np.asarray(score, dtype=np.float64)))
