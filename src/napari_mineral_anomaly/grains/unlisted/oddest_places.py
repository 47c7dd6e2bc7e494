"""The oddest places of a scan, for a scan in which nothing reaches the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import flagged

N_PLACES = 3

# Pixels this close to a place (in rows and in columns) are the same place.
_REACH_PX = 3


class OddPlace(BaseModel):
    """The oddest pixel of its surroundings.

    ``row`` and ``column`` count from 0; ``score`` is in background sigmas; ``driver`` is the
    element with the largest contribution, signed, in sigmas, such as ``P+29.1``.
    """

    model_config = ConfigDict(frozen=True)

    row: int
    column: int
    score: float
    driver: str


def oddest_places(result: AnomalyResult) -> tuple[OddPlace, ...]:
    """The highest scores of a scan, each from another place, the highest first.

    Scores of 0 or less, as in a scan without contrast, do not count: there may be fewer than
    `N_PLACES`.
    """
    score = np.where(result.valid, result.score, -np.inf)
    places: list[OddPlace] = []
    while len(places) < N_PLACES:
        row, column = (int(i) for i in np.unravel_index(np.argmax(score), score.shape))
        if not score[row, column] > 0:
            break
        shares = np.asarray(result.contributions[:, row, column])
        first = int(np.argmax(np.abs(shares)))
        places.append(
            OddPlace(
                row=row,
                column=column,
                score=float(score[row, column]),
                driver=f"{result.elements[first]}{shares[first]:+.1f}",
            )
        )
        rows = slice(max(row - _REACH_PX, 0), row + _REACH_PX + 1)
        score[rows, max(column - _REACH_PX, 0) : column + _REACH_PX + 1] = -np.inf
    return tuple(places)


def oddest_sentence(places: Sequence[OddPlace], threshold: float) -> str:
    """A sentence on what to do when no grain is listed; "" when there is no place to name."""
    if not places:
        return ""
    where = "; ".join(
        f"row {place.row}, column {place.column} ({place.score:.2f} sigmas, {place.driver})"
        for place in places
    )
    if flagged(np.array(places[0].score), threshold):
        advice = "list smaller grains too"
    else:
        lower = math.floor(10 * places[-1].score) / 10
        advice = f"lower the threshold, to {lower:.1f} say, where more ordinary pixels pass too"
    return f"The oddest places are {where}. To see them as grains, {advice}."
