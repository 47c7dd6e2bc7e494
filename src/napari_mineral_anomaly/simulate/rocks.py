"""Rocks of the drawn scenes: their main minerals, the most abundant first.

Typical modes after Best, *Igneous and Metamorphic Petrology* (2nd ed., 2003), rounded. ``band`` is
positive for minerals that gather in dark layers.
"""

from __future__ import annotations

from napari_mineral_anomaly.simulate.scenes import Mode

ROCKS: dict[str, tuple[Mode, ...]] = {
    "granite": (
        Mode("quartz", 0.28, -0.3), Mode("K-feldspar", 0.27, -0.5), Mode("plagioclase", 0.25, -0.2),
        Mode("biotite", 0.08, 1.0), Mode("muscovite", 0.04, 0.4), Mode("hornblende", 0.03, 1.0),
        Mode("chlorite", 0.02, 0.8), Mode("magnetite", 0.015, 0.8), Mode("epidote", 0.015, 0.4),
        Mode("ilmenite", 0.01, 0.8), Mode("titanite", 0.01, 0.5), Mode("calcite", 0.01),
    ),
    "gabbro": (
        Mode("plagioclase", 0.48, -0.8), Mode("clinopyroxene", 0.24, 0.6),
        Mode("orthopyroxene", 0.10, 0.6), Mode("olivine", 0.08, 0.8), Mode("hornblende", 0.04, 0.6),
        Mode("ilmenite", 0.03, 0.8), Mode("magnetite", 0.03, 0.8), Mode("biotite", 0.02, 0.5),
        Mode("serpentine", 0.02, 0.6), Mode("chlorite", 0.02, 0.4), Mode("pyrrhotite", 0.01, 0.6),
        Mode("apatite", 0.01),
    ),
    "peridotite": (
        Mode("olivine", 0.50, 0.3), Mode("orthopyroxene", 0.20, -0.3),
        Mode("clinopyroxene", 0.12, -0.5), Mode("serpentine", 0.10, 0.5),
        Mode("chromite", 0.03, 0.5), Mode("magnetite", 0.02, 0.4), Mode("spinel", 0.02),
        Mode("hornblende", 0.02), Mode("plagioclase", 0.02, -0.8), Mode("calcite", 0.01),
        Mode("chlorite", 0.01), Mode("pyrrhotite", 0.01),
    ),
    "mica schist": (
        Mode("quartz", 0.29, -0.6), Mode("muscovite", 0.20, 0.5), Mode("biotite", 0.15, 0.9),
        Mode("plagioclase", 0.12, -0.4), Mode("garnet", 0.08, 0.7), Mode("chlorite", 0.05, 0.8),
        Mode("staurolite", 0.04, 0.6), Mode("kyanite", 0.03, 0.3), Mode("ilmenite", 0.02, 0.6),
        Mode("K-feldspar", 0.02, -0.5), Mode("tourmaline", 0.01), Mode("calcite", 0.01),
    ),
    "amphibolite": (
        Mode("hornblende", 0.46, 0.6), Mode("plagioclase", 0.25, -0.7), Mode("epidote", 0.07, 0.2),
        Mode("garnet", 0.06, 0.5), Mode("quartz", 0.05, -0.8), Mode("titanite", 0.02),
        Mode("chlorite", 0.03, 0.5), Mode("biotite", 0.03, 0.6), Mode("calcite", 0.02),
        Mode("clinopyroxene", 0.03), Mode("magnetite", 0.015, 0.5), Mode("ilmenite", 0.015, 0.5),
    ),
    "sandstone": (
        Mode("quartz", 0.55, -0.3), Mode("K-feldspar", 0.12), Mode("plagioclase", 0.09),
        Mode("calcite", 0.07, 0.4), Mode("muscovite", 0.04, 0.5), Mode("kaolinite", 0.05, 0.5),
        Mode("hematite", 0.02, 1.0), Mode("chlorite", 0.02, 0.5), Mode("dolomite", 0.02, 0.4),
        Mode("biotite", 0.01, 0.6), Mode("pyrite", 0.01, 0.5), Mode("ilmenite", 0.01, 1.0),
    ),
    "marble": (
        Mode("calcite", 0.46, -0.4), Mode("dolomite", 0.22, -0.2), Mode("olivine", 0.08, 0.5),
        Mode("clinopyroxene", 0.07, 0.5), Mode("biotite", 0.05, 0.8), Mode("wollastonite", 0.04),
        Mode("garnet", 0.03, 0.5), Mode("quartz", 0.03, -0.3), Mode("plagioclase", 0.02),
        Mode("serpentine", 0.02, 0.4), Mode("spinel", 0.01), Mode("pyrrhotite", 0.01, 0.5),
    ),
    "ironstone": (
        Mode("goethite", 0.38, 0.4), Mode("hematite", 0.22, 0.4), Mode("quartz", 0.16, -0.6),
        Mode("kaolinite", 0.10, -0.4), Mode("magnetite", 0.04, 0.4), Mode("siderite", 0.04),
        Mode("ilmenite", 0.02), Mode("chlorite", 0.02), Mode("calcite", 0.02, -0.3),
        Mode("muscovite", 0.02), Mode("rutile", 0.01), Mode("apatite", 0.01),
    ),
    "massive sulfide": (
        Mode("pyrite", 0.30, 0.5), Mode("quartz", 0.20, -0.6), Mode("pyrrhotite", 0.14, 0.5),
        Mode("sphalerite", 0.10, 0.4), Mode("chalcopyrite", 0.08, 0.4),
        Mode("chlorite", 0.06, -0.4), Mode("calcite", 0.05, -0.5),
        Mode("muscovite", 0.03, -0.4), Mode("magnetite", 0.02, 0.3), Mode("siderite", 0.02),
        Mode("dolomite", 0.02), Mode("galena", 0.02, 0.3),
    ),
    "basalt": (
        Mode("plagioclase", 0.40, -0.4), Mode("clinopyroxene", 0.28, 0.4),
        Mode("olivine", 0.10, 0.5), Mode("magnetite", 0.05, 0.4),
        Mode("K-feldspar", 0.04, -0.4), Mode("nepheline", 0.03), Mode("ilmenite", 0.03, 0.4),
        Mode("chlorite", 0.02), Mode("calcite", 0.02), Mode("biotite", 0.01), Mode("apatite", 0.01),
        Mode("chromite", 0.01),
    ),
}  # fmt: skip

VEIN_MINERALS = ("quartz", "calcite", "dolomite", "K-feldspar", "siderite", "pyrite")

# Minerals of the anomalous grains. A mineral that is a main mineral of the section is left out.
ACCESSORY_POOL: tuple[str, ...] = (
    "zircon", "monazite", "xenotime", "apatite", "rutile", "titanite", "ilmenite", "magnetite",
    "chromite", "spinel", "gold", "galena", "chalcopyrite", "pyrite", "sphalerite", "arsenopyrite",
    "pentlandite", "barite", "celestine", "fluorite", "scheelite", "wolframite", "uraninite",
    "allanite", "perovskite", "corundum", "tourmaline", "staurolite", "cordierite", "kyanite",
    "chloritoid", "epidote", "garnet", "olivine", "siderite", "wollastonite", "hornblende",
    "calcite", "dolomite", "nepheline",
)  # fmt: skip
