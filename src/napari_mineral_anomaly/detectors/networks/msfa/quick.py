"""A quick look: the questions of `msfa` that need no training, joined by the same rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_mineral_anomaly.detectors.base import ModelState, finish_result, info_without_network
from napari_mineral_anomaly.detectors.fitting import Fitted
from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.fit import FittedHeads, fit_heads
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.heads.questions import QUESTIONS, asked_of
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import Features, fit_features
from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.contributions import scaled_elements
from napari_mineral_anomaly.detectors.results.maps_on_demand import ElementContributions
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.progress import SILENT, Part, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(eq=False)
class FittedQuickMsfa(Fitted[MsfaConfig]):
    """The backgrounds of the questions that need no network."""

    features: Features
    heads: FittedHeads

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan by the joined answers.

        Contributions are the robust z of each element, as for every detector without a network.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        position = Position.of(cube)
        turned = position.turned(cube)
        questions = asked_of(self.features.local)
        answers = answer(turned, self.features, self.heads, questions, task=task)
        joined = join_answers(answers, turned.valid)
        info = info_without_network(self.preprocessing.meta()).with_(
            epochs=0,
            quick=True,
            n_features=self.features.n,
            questions={name: QUESTIONS[name] for name in joined.heads},
            trust=joined.trust,
            weights=joined.weights,
        )
        scaled = scaled_elements(turned, self.preprocessing, task=task)
        result = finish_result(
            turned,
            joined.statistic,
            ElementContributions(turned, scaled),
            None,
            info,
            calibrated=(joined.score, joined.tail),
        )
        return position.turned_back(
            replace(result, found_by=joined.found_by),
            contributions=ElementContributions(cube, scaled),
        )

    def state(self) -> ModelState:
        """Statistics and names, for `detectors.bundle`."""
        return ModelState.of_parts(
            {
                "scaling": self.preprocessing.arrays(),
                "features": self.features.arrays(),
                "heads": self.heads.arrays(),
            },
            self.preprocessing.meta() | {"local": self.features.local},
        )


class QuickMsfaDetector:
    """`msfa` without its network, see `MsfaConfig.quick`."""

    name = "msfa"

    def __init__(self, config: MsfaConfig) -> None:
        self.config = config

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedQuickMsfa:
        """Learn the backgrounds from the valid pixels of a scan.

        Raises
        ------
        InputError
            When no element varies.
        CancelledError
        """
        task = task or SILENT
        config, cube = self.config, Position.of(cube).turned(cube)
        features, _ = fit_features(cube, config.transform, config.components, task=task)
        # Learning takes next to nothing beside answering.
        task.plan(Part("heads", 0.1))
        heads = fit_heads(cube, features, unit_noise=features.unit_noise, task=task)
        return FittedQuickMsfa(self.name, config, features.preprocessing, features, heads)

    def load(self, state: ModelState) -> FittedQuickMsfa:
        """Rebuild a fitted detector from `FittedQuickMsfa.state`."""
        parts = state.parts()
        preprocessing = Preprocessing.from_saved(parts["scaling"], state.meta)
        features = Features.from_saved(preprocessing, parts["features"], state.meta["local"])
        return FittedQuickMsfa(
            self.name, self.config, preprocessing, features, FittedHeads(**parts["heads"])
        )
