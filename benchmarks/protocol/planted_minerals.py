"""Minerals that are planted into real scans: one list for development, another for the test.

TEST minerals, which no detector may plant or know by name:

    scheelite, wolframite, cassiterite, uraninite, barite, celestine, anhydrite, fluorite,
    perovskite, geikielite, corundum, chromite, gahnite, pentlandite, xenotime, baddeleyite,
    rhodonite, spessartine, pyrolusite, leucite, jadeite, celsian, alunite, jarosite, schreibersite,
    lazulite

The two lists share no mineral, and no size and fraction are equal, because both are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.simulate.minerals import MINERALS, Mineral


@dataclass(frozen=True)
class Recipe:
    """What is planted.

    Attributes
    ----------
    minerals : dict of Mineral by name
    area_px : (float, float)
        Smallest and largest area of a grain in pixels; drawn on a logarithmic scale.
    fill : (float, float)
        Smallest and largest share of its pixels that a grain fills: its thickness in the section.
    beam_px : (float, float)
        Smallest and largest full width of the beam in pixels.
    n_grains : (int, int)
        Fewest and most grains of a scan.
    """

    minerals: dict[str, Mineral]
    area_px: tuple[float, float]
    fill: tuple[float, float]
    beam_px: tuple[float, float]
    n_grains: tuple[int, int]


_DEVELOPMENT = (
    *(
        MINERALS[name]
        for name in (
            "zircon", "monazite", "apatite", "rutile", "titanite", "epidote", "staurolite",
            "cordierite", "magnetite", "pyrite", "chalcopyrite", "sphalerite", "dolomite",
            "wollastonite", "spinel", "tourmaline",
        )
    ),
    Mineral("magnesite", "MgCO3", 3.0),
    Mineral("rhodochrosite", "MnCO3", 3.7),
    Mineral("pyrophanite", "MnTiO3", 4.5),
    Mineral("kalsilite", "KAlSiO4", 2.6),
    Mineral("grossular", "Ca3Al2Si3O12", 3.6),
    Mineral("whitlockite", "Ca9MgP7O28H", 3.1),
    Mineral("forsterite", "Mg2SiO4", 3.2),
)  # fmt: skip

_TEST = (
    *(
        MINERALS[name]
        for name in (
            "scheelite", "wolframite", "cassiterite", "uraninite", "barite", "celestine",
            "fluorite", "perovskite", "corundum", "chromite", "pentlandite", "xenotime",
        )
    ),
    Mineral("anhydrite", "CaSO4", 2.97),
    Mineral("geikielite", "MgTiO3", 3.8),
    Mineral("gahnite", "ZnAl2O4", 4.6),
    Mineral("baddeleyite", "ZrO2", 5.7),
    Mineral("rhodonite", "MnSiO3", 3.6),
    Mineral("spessartine", "Mn3Al2Si3O12", 4.2),
    Mineral("pyrolusite", "MnO2", 5.0),
    Mineral("leucite", "KAlSi2O6", 2.5),
    Mineral("jadeite", "NaAlSi2O6", 3.3),
    Mineral("celsian", "BaAl2Si2O8", 3.3),
    Mineral("alunite", "KAl3S2O14H6", 2.7),
    Mineral("jarosite", "KFe3S2O14H6", 3.1),
    Mineral("schreibersite", "Fe2NiP", 7.4),
    Mineral("lazulite", "MgAl2P2O10H2", 3.1),
)  # fmt: skip

DEVELOPMENT = Recipe(
    {mineral.name: mineral for mineral in _DEVELOPMENT},
    area_px=(1.0, 40.0),
    fill=(0.2, 1.0),
    beam_px=(0.8, 1.6),
    n_grains=(5, 30),
)
TEST = Recipe(
    {mineral.name: mineral for mineral in _TEST},
    area_px=(1.0, 60.0),
    fill=(0.15, 1.0),
    beam_px=(0.7, 2.0),
    n_grains=(4, 40),
)
