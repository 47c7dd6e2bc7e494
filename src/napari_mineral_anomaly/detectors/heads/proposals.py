"""Places that one question finds odd, whatever the joined score says of them.

The join gives a question little weight where the texture of the rock fills its tail (`heads.join`).
The oddest places of such a question can hold grains all the same, which the joined score then ranks
far behind. So the oddest peaks of some questions are kept beside the score, and the list of grains
takes some of its rows below the threshold from them (`grains.pixels.turns`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.heads.questions import LIKENESS, SURROUNDINGS

# The questions that found most of the grains that the joined score missed on minerals planted into
# real scans, development part of docs/benchmarks.md.
PROPOSING = (SURROUNDINGS, LIKENESS)
N_PROPOSED = 60
# Of peaks closer than this only the highest is kept.
_APART_PX = 2
# A peak is among this share of the valid pixels.
_ODD_SHARE = 0.05

Places = dict[str, list[tuple[int, int]]]


def propose(answers: Mapping[str, NDArray[np.floating]], valid: NDArray[np.bool_]) -> Places:
    """The oddest peaks of each proposing question.

    Parameters
    ----------
    answers : mapping of str to (H, W) float
        As `heads.join.join_answers` takes them.
    valid : (H, W) bool

    Returns
    -------
    dict of str to list of (row, column)
        By question, the oddest first, at most `N_PROPOSED`.
    """
    return {name: _peaks(answers[name], valid) for name in PROPOSING if name in answers}


def _peaks(answer: NDArray[np.floating], valid: NDArray[np.bool_]) -> list[tuple[int, int]]:
    odd = np.where(valid, answer, -np.inf)
    highest = ndimage.maximum_filter(odd, size=2 * _APART_PX + 1, mode="constant", cval=-np.inf)
    least = np.quantile(odd[valid], 1.0 - _ODD_SHARE) if valid.any() else np.inf
    places = np.flatnonzero((odd >= highest) & (odd > least))
    order = np.argsort(-odd.reshape(-1)[places], kind="stable")[:N_PROPOSED]
    rows, columns = np.unravel_index(places[order], odd.shape)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
