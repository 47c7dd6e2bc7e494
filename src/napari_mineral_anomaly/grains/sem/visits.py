"""The list for the SEM: where each grain is in millimetres, in a short visiting order."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import COMMENT, DRIVER_COLUMNS, EDITED, STATUS
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.grains.sem.places import places_to_visit
from napari_mineral_anomaly.grains.sem.route import short_route

Which = Literal["accepted", "all"]
WHICH: tuple[Which, ...] = get_args(Which)

# Verdicts of grains that are worth a visit.
WORTH_A_VISIT = ("accept", "SEM-true")

VERDICT = "verdict"
LIST_COLUMNS = (
    "visit",
    "id",
    "rank",
    "x_mm",
    "y_mm",
    "diameter_um",
    "drivers",
    "minerals",
    STATUS,
    COMMENT,
    VERDICT,
    "map_x_px",
    "map_y_px",
    EDITED,
)


def sem_list(
    table: pd.DataFrame, labels: NDArray[Any], fit: SemFit, which: Which = "accepted"
) -> pd.DataFrame:
    """The grains to visit, in a short order.

    Parameters
    ----------
    table : DataFrame
        As `grains.table.find_grains` makes it, with verdicts.
    labels : (H, W)
        The pixels of the grains by their ids.
    fit : SemFit
    which : {"accepted", "all"}
        "accepted" takes the grains with the verdicts of `WORTH_A_VISIT`.

    Returns
    -------
    DataFrame
        With `LIST_COLUMNS`. ``x_mm`` and ``y_mm`` are for the stage of the SEM, to a tenth of a
        micrometre. ``verdict`` is empty, for the person at the SEM. ``map_x_px`` and ``map_y_px``,
        a pixel of the grain, find it again when the verdicts come back. ``edited`` says how the
        user edited its pixels.

    Raises
    ------
    InputError
        When no grain is to be visited.
    """
    if which == "accepted":
        table = table[table[STATUS].isin(WORTH_A_VISIT)]
    if table.empty:
        raise InputError(
            "No grain is accepted yet: accept some in the step “Decide”, or list all grains."
            if which == "accepted"
            else "There is no grain to list."
        )
    y_px, x_px = places_to_visit(table, labels)
    y, x = fit.apply(y_px, x_px)
    visits = pd.DataFrame(
        {
            "id": table["id"].to_numpy(),
            "rank": table["rank"].to_numpy(),
            "x_mm": np.round(x, 4),
            "y_mm": np.round(y, 4),
            "diameter_um": np.round(table["equivalent_diameter_um"].to_numpy(np.float64), 1),
            "drivers": [_joined(row) for row in table[list(DRIVER_COLUMNS)].to_numpy()],
            "minerals": [
                ", ".join(filter(None, pair))
                for pair in zip(table["mineral_hint"], table["mineral_others"], strict=True)
            ],
            STATUS: table[STATUS].to_numpy(),
            COMMENT: table[COMMENT].to_numpy(),
            VERDICT: "",
            "map_x_px": np.round(x_px).astype(int),
            "map_y_px": np.round(y_px).astype(int),
            EDITED: table[EDITED].to_numpy(),
        }
    )
    ordered = visits.iloc[short_route(y, x)].reset_index(drop=True)
    return ordered.assign(visit=np.arange(1, len(ordered) + 1))[list(LIST_COLUMNS)]


def _joined(drivers: NDArray[Any]) -> str:
    return ", ".join(text for text in drivers.tolist() if text)
