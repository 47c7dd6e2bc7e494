"""Numbers at the axes of our plots: round, and not on top of each other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.window.kit.plots import BarePlot
from napari_mineral_anomaly.window.looking.scatter_plot import root_ticks


def test_a_short_logarithmic_axis_writes_round_numbers_only(qapp: object) -> None:
    plot = BarePlot(150)
    axis = plot.getAxis("left")
    axis.setLogMode(True)
    values = [float(np.log10(number)) for number in (0.5, 0.6, 0.9, 1, 2, 3, 5, 8, 10)]
    written = axis.tickStrings(values, 1.0, 1.0)
    assert written == ["0.5", "", "", "1", "2", "", "5", "", "10"]
    assert axis.tickStrings([1.0, 2.0, 3.0, 4.0], 1.0, 1.0) == ["10", "100", "1000", "10⁴"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (10.0, 94.9, ["500", "2,000", "5,000"]),
        (0.0, 15.2, ["0", "20", "50", "100", "200"]),
        (0.0, 2.0, ["0", "0.2", "1", "2"]),
    ],
)
def test_numbers_at_the_scatter_have_room(low: float, high: float, expected: list[str]) -> None:
    ticks = root_ticks(low, high)
    assert [text for _, text in ticks] == expected
    places = np.array([place for place, _ in ticks])
    assert low <= places.min()
    assert places.max() <= 1.01 * high
    assert np.diff(places).min() >= 0.17 * (high - low)
