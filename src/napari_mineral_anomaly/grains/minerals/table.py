"""The minerals that grains are compared with: names and idealised formulas.

Formulas are idealised after the list of the International Mineralogical Association and Deer,
Howie & Zussman, *An Introduction to the Rock-Forming Minerals* (3rd ed., 2013), with the
substitutions that show in element maps (Hf in zircon, La and Nd in monazite, Mg in biotite). To add
a mineral, add a line here and one in `minerals.defining`.
"""

from __future__ import annotations

COMMON = {
    # Phosphates, arsenates, vanadates, tungstates, sulphates.
    "apatite": "Ca5P3O12F",
    "monazite": "Ce0.46La0.23Nd0.19Th0.06Ca0.06PO4",
    "xenotime": "Y0.8Dy0.1Yb0.1PO4",
    "barite": "BaSO4",
    "gypsum or anhydrite": "CaSO4",
    # Zirconium, thorium, uranium, rare earths, niobium, tin.
    "zircon": "Zr0.98Hf0.02SiO4",
    "allanite": "CaCe0.5La0.3Nd0.2Al2FeSi3O13H",
    "cassiterite": "SnO2",
    # Oxides and hydroxides.
    "rutile": "TiO2",
    "titanite": "CaTiSiO5",
    "ilmenite": "FeTiO3",
    "magnetite or hematite": "Fe3O4",
    "goethite": "FeO2H",
    "chromite": "Fe0.7Mg0.3Cr1.6Al0.4O4",
    "spinel": "MgAl2O4",
    "manganese oxide": "MnO2",
    # Sulphides, arsenides and metals.
    "pyrite": "FeS2",
    "pyrrhotite": "Fe0.87S",
    "chalcopyrite": "CuFeS2",
    "bornite": "Cu5FeS4",
    "chalcocite": "Cu2S",
    "pentlandite": "Fe4.5Ni4.5S8",
    "cobaltite": "CoAsS",
    "sphalerite": "Zn0.9Fe0.1S",
    "galena": "PbS",
    "arsenopyrite": "FeAsS",
    "gold": "Au0.85Ag0.15",
    # Carbonates and halides.
    "calcite": "CaCO3",
    "dolomite": "CaMgC2O6",
    "siderite": "FeCO3",
    "rhodochrosite": "MnCO3",
    "magnesite": "MgCO3",
    "malachite": "Cu2CO5H2",
    "halite": "NaCl",
    # Silicates.
    "quartz": "SiO2",
    "K-feldspar": "KAlSi3O8",
    "albite": "NaAlSi3O8",
    "anorthite": "CaAl2Si2O8",
    "biotite": "KFe1.5Mg1.3Ti0.2AlSi3O12H2",
    "muscovite": "KAl3Si3O12H2",
    "chlorite": "Fe2.5Mg2.5Al2Si3O18H8",
    "garnet (almandine)": "Fe2.3Mg0.5Ca0.2Al2Si3O12",
    "garnet (grossular)": "Ca3Al2Si3O12",
    "garnet (spessartine)": "Mn3Al2Si3O12",
    "staurolite": "Fe1.5Mg0.5Al9Si3.9O24H",
    "kyanite, andalusite or sillimanite": "Al2SiO5",
    "cordierite": "Mg1.3Fe0.7Al4Si5O18",
    "chloritoid": "Fe0.8Mg0.2Al2SiO7H2",
    "epidote": "Ca2Al2FeSi3O13H",
    "tourmaline": "NaFe1.5Mg1.5Al6Si6B3O31H4",
    "hornblende": "Ca2Mg2.5Fe2.5Al2Si7O24H2",
    "clinopyroxene": "CaMg0.7Fe0.3Si2O6",
    "orthopyroxene": "Mg1.4Fe0.6Si2O6",
    "olivine": "Mg1.6Fe0.4SiO4",
}

# Minerals that are rare in most rocks, or that need a rare element whose line the detector does not
# distinguish from that of a common one. They must fit better than the others
# (`minerals.hints.RARITY`).
RARE = {
    # Phosphates, arsenates, vanadates, tungstates, sulphates.
    "scheelite": "CaWO4",
    "wolframite": "Fe0.5Mn0.5WO4",
    "celestine": "SrSO4",
    "anglesite": "PbSO4",
    "jarosite": "KFe3S2O14H6",
    "alunite": "KAl3S2O14H6",
    "scorodite": "FeAsO6H4",
    # Zirconium, thorium, uranium, rare earths, niobium, tin.
    "baddeleyite": "ZrO2",
    "thorite": "ThSiO4",
    "uraninite": "UO2",
    "bastnäsite": "Ce0.5La0.3Nd0.2CO3F",
    "chevkinite": "Ce2La1.2Nd0.8FeTi4Si4O22",
    "pyrochlore": "CaNaNb2O6F",
    "columbite": "Fe0.6Mn0.4Nb1.7Ta0.3O6",
    # Oxides and hydroxides.
    "perovskite": "CaTiO3",
    "gahnite": "ZnAl2O4",
    "corundum": "Al2O3",
    # Sulphides, arsenides, phosphides and metals.
    "schreibersite": "Fe2NiP",
    "löllingite": "FeAs2",
    "tennantite": "Cu10Fe2As4S13",
    "tetrahedrite": "Cu10Fe2Sb4S13",
    "stibnite": "Sb2S3",
    "molybdenite": "MoS2",
    "cinnabar": "HgS",
    "bismuthinite": "Bi2S3",
    "silver": "Ag",
    "copper": "Cu",
    # Carbonates and halides.
    "strontianite": "SrCO3",
    "smithsonite": "ZnCO3",
    "cerussite": "PbCO3",
    "fluorite": "CaF2",
    "sylvite": "KCl",
}

FORMULAS = COMMON | RARE

# What most rocks are made of. A grain that stands out of its rock is seldom one of these, so they
# must fit a little better (`minerals.hints.ORDINARY`).
MATRIX = frozenset(
    ("quartz", "K-feldspar", "albite", "anorthite", "biotite", "muscovite", "chlorite", "calcite")
)
