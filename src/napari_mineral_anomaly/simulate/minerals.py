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
    # The matrix of other rocks, for sections whose rock is drawn.
    Mineral("olivine", "Mg2SiO4", 3.4, "Fe2SiO4", (0.20, 0.06)),
    Mineral("clinopyroxene", "Na0.1Ca0.9Mg0.9Al0.1Si2O6", 3.3, "CaFeSi2O6", (0.30, 0.08)),
    Mineral("orthopyroxene", "Mg2Si2O6", 3.4, "Fe2Si2O6", (0.25, 0.07)),
    Mineral("serpentine", "Mg2.8Fe0.2Si2O9H4", 2.6),
    Mineral("chromite", "FeCr2O4", 4.7, "MgCrAlO4", (0.35, 0.10)),
    Mineral("spinel", "Mg0.8Fe0.2Al2O4", 3.7),
    Mineral("dolomite", "CaMgC2O6", 2.86, "CaFeC2O6", (0.12, 0.06)),
    Mineral("siderite", "FeCO3", 3.9, "MgCO3", (0.20, 0.08)),
    Mineral("hematite", "Fe1.95Ti0.05O3", 5.2),
    Mineral("goethite", "Fe0.95Al0.05O2H", 4.2),
    Mineral("kaolinite", "Al2Si2O9H4", 2.6),
    Mineral("wollastonite", "CaSiO3", 2.9),
    Mineral("nepheline", "Na0.8K0.2AlSiO4", 2.6),
    Mineral("pyrite", "FeS2", 5.0),
    Mineral("pyrrhotite", "Fe7S8", 4.6),
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
    Mineral("celestine", "SrSO4", 3.96),
    Mineral("fluorite", "CaF2", 3.18),
    Mineral("scheelite", "CaWO4", 6.1),
    Mineral("wolframite", "Fe0.6Mn0.4WO4", 7.3),
    Mineral("cassiterite", "Sn0.97Fe0.03O2", 6.9),
    Mineral("uraninite", "UO2", 10.5),
    Mineral("pentlandite", "Fe4.5Ni4.5S8", 4.8),
    Mineral("rutile", "TiO2", 4.25),
    Mineral("allanite", "CaCe0.6La0.4FeAl2Si3O13H", 3.9),
    # Odd minerals made of the elements of the matrix.
    Mineral("staurolite", "Fe1.5Mg0.5Al9Si3.9O24H", 3.75),
    Mineral("cordierite", "Mg1.3Fe0.7Al4Si5O18", 2.62),
    Mineral("kyanite", "Al2SiO5", 3.6),
    Mineral("chloritoid", "Fe0.8Mg0.2Al2SiO7H2", 3.55),
    Mineral("epidote", "Ca2Al2FeSi3O13H", 3.42),
    Mineral("titanite", "CaTiSiO5", 3.52),
    Mineral("corundum", "Al2O3", 4.0),
    Mineral("perovskite", "CaTiO3", 4.0),
    Mineral("tourmaline", "NaFe1.5Mg1.5Al6B3Si6O31H4", 3.15),
    Mineral("hornblende", "Ca2Mg2.5Fe2.5Al2Si7O24H2", 3.2),
)

MINERALS: dict[str, Mineral] = {mineral.name: mineral for mineral in _ALL}
