"""Which element can fake which: a table of leaks between the maps of one scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.spectra.lines import MainLine, mapped_line
from napari_mineral_anomaly.scan.spectra.overlaps import window_overlaps
from napari_mineral_anomaly.scan.spectra.windows import ElementWindow, window_around

# Element maps do not tell the excitation. We assume a tube of 50 kV, as in micro-XRF. A microprobe
# at 15 kV must map some elements by a softer line (Zr by L, under P): there they may be victims.
TUBE_KEV, MICROPROBE_KEV = 50.0, 15.0

# Lines of a softer shell are absorbed more on their way out of the section and into the detector.
SOFTER_ARRIVES = 0.5
# Level of each shell with the largest part of the yield; the softer of two shells fluoresces less.
_LEVEL = {"K": "K", "L": "L3", "M": "M5"}


@dataclass(frozen=True, eq=False)
class LineLeaks:
    """Leaks between C element maps.

    Attributes
    ----------
    share : (C, C) float64
        Counts that one count of partner [column] may leave in the map of victim [row]; 0 where
        their lines are apart.
    """

    share: NDArray[np.float64]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(victim, partner) positions, row by row."""
        return [(int(v), int(p)) for v, p in np.argwhere(self.share > 0)]


def line_leaks(symbols: tuple[str | None, ...]) -> LineLeaks:
    """The leaks between maps, computed from line energies, widths and yields (xraydb).

    Where a partner leaks with a line of another shell than that of its own map (Pb M under S, Pb
    mapped by L), the leak is multiplied by the ratio of the fluorescence yields of the two shells.
    This is right to an order of magnitude only: maps do not tell tube, filter and atmosphere.

    Parameters
    ----------
    symbols : tuple of (str or None)
        Chemical symbol of each map (`signals.element_symbols`).
    """
    share = np.zeros((len(symbols), len(symbols)))
    known = tuple(sorted({symbol for symbol in symbols if symbol is not None}))
    for (victim, partner), leak in _leaks(known).items():
        rows = [c for c, symbol in enumerate(symbols) if symbol == victim]
        columns = [c for c, symbol in enumerate(symbols) if symbol == partner]
        share[np.ix_(rows, columns)] = leak
    return LineLeaks(share)


@cache
def _leaks(symbols: tuple[str, ...]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    by_tube = {symbol: mapped_line(symbol, beam=TUBE_KEV) for symbol in symbols}
    for beam in (TUBE_KEV, MICROPROBE_KEV):
        mapped = {symbol: mapped_line(symbol, beam=beam) for symbol in symbols}
        windows = [_window(line) for line in mapped.values() if line is not None]
        for overlap in window_overlaps(windows, beam):
            usual, own = by_tube[overlap.victim], mapped[overlap.partner]
            same_line = usual is not None and usual.name == overlap.victim_line
            if own is None or (beam != TUBE_KEV and same_line):
                continue
            leak = overlap.share * _yield_ratio(overlap.partner, overlap.partner_line[0], own.shell)
            key = (overlap.victim, overlap.partner)
            found[key] = max(found.get(key, 0.0), leak)
    return found


def _window(line: MainLine) -> ElementWindow:
    """The window of a map, without background regions."""
    return ElementWindow(line.element, line.name, *window_around(line.kev), None, None, line.kev)


def _yield_ratio(symbol: str, shell: str, mapped_shell: str) -> float:
    if shell == mapped_shell:
        return 1.0
    import xraydb  # late, as in `scan.spectra.lines`

    yields = [xraydb.xray_edge(symbol, _LEVEL[name]).fyield for name in (shell, mapped_shell)]
    return float(min(1.0, SOFTER_ARRIVES * yields[0] / yields[1])) if yields[1] > 0 else 1.0
