"""What the element maps show of every grain of a mask: signals, minerals that fit, flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.artefacts.flags import FLAG_SEPARATOR
from napari_mineral_anomaly.grains.minerals.hints import HintTable
from napari_mineral_anomaly.grains.pixels.regions import PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals


@dataclass(frozen=True, eq=False)
class GrainDetails:
    """What the element maps show of n grains, in the order of their regions.

    Attributes
    ----------
    ring : PixelSets
        The local ring of each grain.
    signals : GrainSignals
    hints : HintTable
    flags : tuple of tuple of str
        The artefact flags of each grain.
    """

    ring: PixelSets
    signals: GrainSignals
    hints: HintTable
    flags: tuple[tuple[str, ...], ...]


def with_details(
    table: pd.DataFrame, grains: NDArray[np.intp], details: GrainDetails
) -> pd.DataFrame:
    """The grain table with its `DETAIL_COLUMNS` filled in.

    Parameters
    ----------
    table : DataFrame
    grains : (n,)
        Which grain of ``details`` each row is.
    details : GrainDetails
    """
    names, distances, others = details.hints.texts()
    return table.assign(
        mineral_hint=[names[grain] for grain in grains],
        mineral_distance=distances[grains],
        mineral_others=[others[grain] for grain in grains],
        flags=[FLAG_SEPARATOR.join(details.flags[grain]) for grain in grains],
    )
