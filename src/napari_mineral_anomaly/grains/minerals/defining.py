"""The elements without which a mineral must not be named.

Each entry lists the elements that make a mineral this one and not another. All must be mapped; of
"Ce|La|Nd" one is enough. The elements that most rocks are made of (`ROCK_FORMING`) may be hidden by
the rock around the grain. All others must stand out in the grain.
"""

from __future__ import annotations

from functools import cache

ROCK_FORMING = frozenset(("O", "Na", "Mg", "Al", "Si", "K", "Ca", "Ti", "Mn", "Fe"))

DEFINING = {
    # Phosphates, arsenates, vanadates, tungstates, sulphates.
    "apatite": "Ca P",
    "monazite": "Ce|La|Nd P",
    "xenotime": "Y|Dy|Yb P",
    "barite": "Ba S",
    "gypsum or anhydrite": "Ca S",
    "scheelite": "Ca W",
    "wolframite": "Fe|Mn W",
    "celestine": "Sr S",
    "anglesite": "Pb S",
    "jarosite": "K Fe S",
    "alunite": "K Al S",
    "scorodite": "Fe As",
    # Zirconium, thorium, uranium, rare earths, niobium, tin.
    "zircon": "Zr",
    "baddeleyite": "Zr",
    "allanite": "Ca Al Ce|La|Nd",
    "cassiterite": "Sn",
    "thorite": "Th",
    "uraninite": "U",
    "bastnäsite": "Ce|La|Nd",
    "chevkinite": "Ti Ce|La|Nd",
    "pyrochlore": "Nb",
    "columbite": "Fe|Mn Nb|Ta",
    # Oxides and hydroxides.
    "rutile": "Ti",
    "titanite": "Ca Ti",
    "perovskite": "Ca Ti",
    "ilmenite": "Fe Ti",
    "magnetite or hematite": "Fe",
    "goethite": "Fe",
    "chromite": "Cr",
    "spinel": "Mg Al",
    "gahnite": "Zn Al",
    "corundum": "Al",
    "manganese oxide": "Mn",
    # Sulphides, arsenides, phosphides and metals.
    "pyrite": "Fe S",
    "pyrrhotite": "Fe S",
    "chalcopyrite": "Cu Fe S",
    "bornite": "Cu Fe S",
    "chalcocite": "Cu S",
    "pentlandite": "Fe Ni S",
    "cobaltite": "Co As S",
    "sphalerite": "Zn S",
    "galena": "Pb S",
    "arsenopyrite": "Fe As S",
    "löllingite": "Fe As",
    "tennantite": "Cu As S",
    "tetrahedrite": "Cu Sb S",
    "stibnite": "Sb S",
    "molybdenite": "Mo S",
    "cinnabar": "Hg S",
    "bismuthinite": "Bi S",
    "schreibersite": "Fe Ni P",
    "gold": "Au",
    "silver": "Ag",
    "copper": "Cu",
    # Carbonates and halides.
    "calcite": "Ca",
    "dolomite": "Ca Mg",
    "siderite": "Fe",
    "rhodochrosite": "Mn",
    "magnesite": "Mg",
    "malachite": "Cu",
    "strontianite": "Sr",
    "smithsonite": "Zn",
    "cerussite": "Pb",
    "halite": "Na Cl",
    "sylvite": "K Cl",
    "fluorite": "Ca F",
    # Silicates.
    "quartz": "Si",
    "K-feldspar": "K Al Si",
    "albite": "Na Al Si",
    "anorthite": "Ca Al Si",
    "biotite": "K Fe|Mg Al Si",
    "muscovite": "K Al Si",
    "chlorite": "Fe|Mg Al Si",
    "garnet (almandine)": "Fe Al Si",
    "garnet (grossular)": "Ca Al Si",
    "garnet (spessartine)": "Mn Al Si",
    "staurolite": "Fe Al Si",
    "kyanite, andalusite or sillimanite": "Al Si",
    "cordierite": "Mg Al Si",
    "chloritoid": "Fe Al Si",
    "epidote": "Ca Al Fe Si",
    "tourmaline": "Na Al Fe|Mg Si",
    "hornblende": "Ca Fe|Mg Al Si",
    "clinopyroxene": "Ca Fe|Mg Si",
    "orthopyroxene": "Mg Si",
    "olivine": "Mg Si",
}


@cache
def defining_elements(mineral: str) -> tuple[frozenset[str], ...]:
    """The groups of symbols of which a mineral needs one each."""
    return tuple(frozenset(group.split("|")) for group in DEFINING[mineral].split())
