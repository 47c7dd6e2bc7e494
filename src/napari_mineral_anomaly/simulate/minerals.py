"""Minerals of the simulated sections: formulas, densities and mass fractions.

Formulas are idealised, with the substitutions that matter in element maps (Fe-Mg, Na-Ca, Ba in
K-feldspar, Hf in zircon, Th and Ca in monazite). Formulas and densities after Deer, Howie &
Zussman, *An Introduction to the Rock-Forming Minerals* (3rd ed., 2013), rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.scan.names.formulas import mass_fractions


@dataclass(frozen=True)
class Mineral:
    """One mineral, pure or a solid solution of two end members.

    Attributes
    ----------
    name : str
    formula : str
        Chemical formula of the (first) end member.
    density : float
        g/cm³.
    second : str or None
        Formula of the second end member, on the same number of oxygens or sites.
    share : (float, float)
        Mean and standard deviation, from grain to grain, of the molar share of the second end
        member.
    """

    name: str
    formula: str
    density: float
    second: str | None = None
    share: tuple[float, float] = (0.0, 0.0)

    def mass_fractions(self, share: float | None = None) -> dict[str, float]:
        """Mass fraction per element at a molar share of the second end member (default: mean)."""
        if self.second is None:
            return mass_fractions(self.formula)
        return mass_fractions(self.formula, self.second, self.share[0] if share is None else share)


# The mount around a section: bisphenol-A epoxy; its light elements only scatter.
EPOXY = Mineral("epoxy", "C21H25ClO5", 1.16)

_ALL = (
    # The matrix.
    Mineral("quartz", "SiO2", 2.65),
    Mineral("plagioclase", "NaAlSi3O8", 2.67, "CaAl2Si2O8", (0.28, 0.06)),
    Mineral("K-feldspar", "K0.98Ba0.02Al1.02Si2.98O8", 2.56, "NaAlSi3O8", (0.12, 0.05)),
    Mineral("biotite", "KFe2.8Ti0.2AlSi3O12H2", 3.0, "KMg2.8Ti0.2AlSi3O12H2", (0.45, 0.05)),
    Mineral("muscovite", "KAl3Si3O12H2", 2.82),
    Mineral("garnet", "Fe3Al2Si3O12", 4.2, "MgMnCaAl2Si3O12", (0.30, 0.08)),
    Mineral("chlorite", "Fe5Al2Si3O18H8", 2.9, "Mg5Al2Si3O18H8", (0.50, 0.06)),
    Mineral("calcite", "CaCO3", 2.71),
    Mineral("ilmenite", "FeTiO3", 4.72, "MnTiO3", (0.06, 0.03)),
    Mineral("magnetite", "Fe3O4", 5.18),
    Mineral("apatite", "Ca5P3O12F", 3.2),
    # Accessory grains with elements that the matrix lacks.
    Mineral("gold", "Au0.85Ag0.15", 17.0),
    Mineral("monazite", "Ce0.46La0.23Nd0.19Th0.06Ca0.06PO4", 5.15),
    Mineral("zircon", "Zr0.98Hf0.02SiO4", 4.65),
    Mineral("galena", "PbS", 7.58),
    Mineral("chalcopyrite", "CuFeS2", 4.2),
    Mineral("arsenopyrite", "FeAsS", 6.07),
    Mineral("sphalerite", "Zn0.9Fe0.1S", 4.05),
    Mineral("xenotime", "Y0.8Dy0.1Yb0.1PO4", 4.7),
    Mineral("barite", "BaSO4", 4.48),
    # Odd minerals made of the elements of the matrix.
    Mineral("staurolite", "Fe1.5Mg0.5Al9Si3.9O24H", 3.75),
    Mineral("cordierite", "Mg1.3Fe0.7Al4Si5O18", 2.62),
    Mineral("kyanite", "Al2SiO5", 3.6),
    Mineral("chloritoid", "Fe0.8Mg0.2Al2SiO7H2", 3.55),
    Mineral("epidote", "Ca2Al2FeSi3O13H", 3.42),
    Mineral("titanite", "CaTiSiO5", 3.52),
    Mineral("hornblende", "Ca2Mg2.5Fe2.5Al2Si7O24H2", 3.2),
)

MINERALS: dict[str, Mineral] = {mineral.name: mineral for mineral in _ALL}
