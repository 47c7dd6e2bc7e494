"""What a pure mineral would show in each element map, from published X-ray data (xraydb).

The primary fluorescence of a thick flat sample (Sherman 1955, Spectrochim. Acta 7, 283) that a tube
of 50 kV excites, without secondary fluorescence:

    p_e = w_e  y_e  sum_E  S(E) t_e(E) / (mu(E) + mu(E_e))  D(E_e)

w_e is the mass fraction; y_e the fluorescence yield times the share of the mapped line family; t_e
the photoabsorption of the shell (by jump ratios); mu the mass attenuation of the mineral; S is
Kramers' continuum; D what a window of 8 micrometres of beryllium lets through.

Maps of a microprobe are compared with the same numbers, because maps do not say what excited them.
Yields, lines, edges and attenuation: Elam, Ravel & Sieber 2002 (Radiat. Phys. Chem. 63, 121) as
tabulated in xraydb. Optics, filters, air and the detector of an instrument are not known here: the
numbers are right to a factor of about two between distant elements, better between neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.minerals.table import FORMULAS
from napari_mineral_anomaly.scan.names.formulas import mass_fractions
from napari_mineral_anomaly.scan.spectra.lines import mapped_line

Floats = NDArray[np.float64]

TUBE_KEV = 50.0
_STEP_EV = 500.0
_BERYLLIUM_G_CM2 = 8e-4 * 1.848
# The level of each shell from which its main lines come.
_LEVEL = {"K": "K", "L": "L3", "M": "M5"}
_DEEPER = {"K": (), "L": ("K", "L1", "L2"), "M": ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4")}


@cache
def fractions_of(mineral: str) -> dict[str, float]:
    """Mass fractions of the elements of a mineral of the table."""
    return mass_fractions(FORMULAS[mineral])


def weights(symbols: tuple[str | None, ...]) -> Floats:
    """(m, C) mass fractions of all minerals; also the model for maps of concentrations."""
    return _table(symbols, lambda mineral, symbol: fractions_of(mineral)[symbol])


def tube_signals(symbols: tuple[str | None, ...]) -> Floats:
    """(m, C) signals of all pure minerals under a tube of 50 kV, in arbitrary units."""
    return _table(symbols, _fluoresced)


def _table(symbols: tuple[str | None, ...], signal: Callable[[str, str], float]) -> Floats:
    out = np.zeros((len(FORMULAS), len(symbols)))
    for m, mineral in enumerate(FORMULAS):
        for c, symbol in enumerate(symbols):
            if symbol is not None and symbol in fractions_of(mineral):
                out[m, c] = signal(mineral, symbol)
    return out


@cache
def _fluoresced(mineral: str, symbol: str) -> float:
    found = _emission(symbol)
    if found is None:
        return 0.0
    level, kev, emitted = found
    fractions = fractions_of(mineral)
    energies = _tube_ev()
    photons = 1e3 * TUBE_KEV / np.array(energies) - 1.0
    leaving = float(_attenuation(fractions, (1e3 * kev,))[0])
    stopped = _attenuation(fractions, energies) + leaving
    excited = float(np.sum(photons * _absorbed(symbol, level) / stopped))
    window = float(np.exp(-_coefficient("Be", (1e3 * kev,))[0] * _BERYLLIUM_G_CM2))
    return fractions[symbol] * emitted * excited * window


@cache
def _emission(symbol: str) -> tuple[str, float, float] | None:
    """Level, line energy (keV), and yield times branching of the mapped line; None without one."""
    import xraydb

    line = mapped_line(symbol, beam=TUBE_KEV)
    if line is None:
        return None
    level = _LEVEL[line.shell]
    lines = xraydb.xray_lines(symbol, initial_level=level)
    share = sum(one.intensity for name, one in lines.items() if name.startswith(line.name))
    emitted = float(xraydb.xray_edge(symbol, level).fyield) * float(share or 1.0)
    return level, line.kev, emitted


@cache
def _absorbed(symbol: str, level: str) -> Floats:
    """Photoabsorption (cm2/g) of one level on the tube's energies."""
    import xraydb

    energies = np.array(_tube_ev())
    edges = xraydb.xray_edges(symbol)
    jump = edges[level].jump_ratio
    part = np.where(energies > edges[level].energy, 1.0 - 1.0 / jump, 0.0)
    # Every deeper level that a photon can ionise absorbs its part first.
    for deeper in _DEEPER[level[0]]:
        if deeper in edges and edges[deeper].jump_ratio > 1:
            ionised = energies > edges[deeper].energy
            part = np.where(ionised, part / edges[deeper].jump_ratio, part)
    return np.asarray(part * xraydb.mu_elam(symbol, energies, kind="photo"))


def _tube_ev() -> tuple[float, ...]:
    return tuple(np.arange(1_000.0, 1e3 * TUBE_KEV, _STEP_EV).tolist())


def _attenuation(fractions: Mapping[str, float], energies: tuple[float, ...]) -> Floats:
    total = np.zeros(len(energies))
    for symbol, fraction in fractions.items():
        total += fraction * _coefficient(symbol, energies)
    return total


@cache
def _coefficient(symbol: str, energies: tuple[float, ...]) -> Floats:
    import xraydb

    return np.asarray(xraydb.mu_elam(symbol, np.array(energies)), dtype=np.float64)
