"""What a comparison needs from a score layer and a truth layer, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.evaluation.brushed_truth import truth_for_files
from napari_mineral_anomaly.evaluation.verdict_truth import judged_truth
from napari_mineral_anomaly.window.layers.links import link_of
from napari_mineral_anomaly.window.layers.session import Session

if TYPE_CHECKING:
    from napari.layers import Layer

# The source of a truth layer that was made from verdicts.
VERDICTS = "verdicts"


@dataclass(frozen=True, eq=False)
class TruthNow:
    """The labels of a truth layer, and the pixels that taught the score."""

    labels: NDArray[Any]
    taught: NDArray[np.bool_] | None
    of_verdicts: bool

    def for_files(self) -> NDArray[np.uint8]:
        """The truth that may judge the score; for a worker.

        Raises
        ------
        InputError
            As `judged_truth`.
        """
        truth = truth_for_files(self.labels)
        return judged_truth(truth, self.taught, of_verdicts=self.of_verdicts)


def truth_now(session: Session, truth: Layer, score: Layer) -> TruthNow:
    """The truth as it is now; a copy, because the brush may write into the layer meanwhile."""
    run, link = session.run_of(link_of(score)), link_of(truth)
    return TruthNow(
        labels=np.array(truth.data),
        taught=None if run is None else run.result.taught,
        of_verdicts=link is not None and link.source == VERDICTS,
    )
