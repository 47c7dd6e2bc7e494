"""Mass fractions of a chemical formula, with the atomic masses of xraydb."""

from __future__ import annotations

from functools import cache


@cache
def _atoms(formula: str) -> dict[str, float]:
    # xraydb takes half a second to import, for which opening a scan should not wait.
    import xraydb

    parsed: dict[str, float] = xraydb.chemparse(formula)
    return parsed


def mass_fractions(formula: str, second: str | None = None, share: float = 0.0) -> dict[str, float]:
    """Mass fraction (0-1) of each element of a formula, or of a molar mixture of two formulas.

    Parameters
    ----------
    formula, second : str
        Formulas as `xraydb.chemparse` reads them, for example ``"Fe3Al2Si3O12"``.
    share : float
        Molar share (0-1) of ``second``.
    """
    import xraydb

    atoms: dict[str, float] = {}
    for part, amount in ((formula, 1.0 - share), (second, share)):
        if part is not None and amount > 0:
            for element, count in _atoms(part).items():
                atoms[element] = atoms.get(element, 0.0) + amount * count
    masses = {
        element: count * float(xraydb.atomic_mass(element)) for element, count in atoms.items()
    }
    total = sum(masses.values())
    return {element: mass / total for element, mass in masses.items()}
