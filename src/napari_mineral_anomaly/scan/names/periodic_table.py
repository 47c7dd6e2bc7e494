"""The elements by atomic number: their symbols, and their names ("Iron" and "Eisen" for "Fe")."""

from __future__ import annotations

_SYMBOLS_IN_ORDER = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se
    Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy
    Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf
    Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""

SYMBOLS: tuple[str, ...] = tuple(_SYMBOLS_IN_ORDER.split())

ATOMIC_NUMBER = {symbol: z for z, symbol in enumerate(SYMBOLS, start=1)}

# Elements of which there is no map: gases and short-lived ones, most without tabulated X-ray
# lines (xraydb ends with californium). Their symbols are words: No, At, He, Es, Md, Mt, Ts.
NEVER_MAPPED = frozenset(("He", "At", "Rn", "Fr", *SYMBOLS[98:]))
# Mapped in nuclear materials only.
RADIOACTIVE = frozenset(("Tc", "Pm", "Po", "Ra", "Ac", "Pa", "Np", "Pu", "Am", "Cm", "Bk", "Cf"))

_NAMES = """
    hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon
    sodium magnesium aluminum silicon phosphorus sulfur chlorine argon potassium calcium
    scandium titanium vanadium chromium manganese iron cobalt nickel copper zinc
    gallium germanium arsenic selenium bromine krypton rubidium strontium yttrium zirconium
    niobium molybdenum technetium ruthenium rhodium palladium silver cadmium indium tin
    antimony tellurium iodine xenon cesium barium lanthanum cerium praseodymium neodymium
    promethium samarium europium gadolinium terbium dysprosium holmium erbium thulium ytterbium
    lutetium hafnium tantalum tungsten rhenium osmium iridium platinum gold mercury
    thallium lead bismuth polonium astatine radon francium radium actinium thorium
    protactinium uranium neptunium plutonium americium curium berkelium californium
"""
_OTHER_SPELLINGS = {
    "aluminium": 13,
    "sulphur": 16,
    "caesium": 55,
    "wolfram": 74,
}
# German, French and Spanish names that differ from the English ones. Left out are words with
# another meaning beside maps: "Or", "Zirkon" (zircon), "Fluor", "Bore", "Iode".
_OTHER_LANGUAGES = {
    **dict.fromkeys(("kohlenstoff", "carbone", "carbono"), 6),
    **dict.fromkeys(("stickstoff", "azote", "nitrógeno", "nitrogeno"), 7),
    **dict.fromkeys(("sauerstoff", "oxygène", "oxygene", "oxígeno", "oxigeno"), 8),
    **dict.fromkeys(("natrium", "sodio"), 11),
    **dict.fromkeys(("magnésium", "magnesio"), 12),
    **dict.fromkeys(("aluminio",), 13),
    **dict.fromkeys(("silizium", "silicium", "silicio"), 14),
    **dict.fromkeys(("phosphor", "phosphore", "fósforo", "fosforo"), 15),
    **dict.fromkeys(("schwefel", "soufre", "azufre"), 16),
    **dict.fromkeys(("chlor", "chlore", "cloro"), 17),
    **dict.fromkeys(("kalium", "potasio"), 19),
    **dict.fromkeys(("kalzium", "calcio"), 20),
    **dict.fromkeys(("titan", "titane", "titanio"), 22),
    **dict.fromkeys(("vanadio",), 23),
    **dict.fromkeys(("chrom", "chrome", "cromo"), 24),
    **dict.fromkeys(("mangan", "manganèse", "manganeso"), 25),
    **dict.fromkeys(("eisen", "fer", "hierro"), 26),
    **dict.fromkeys(("kobalt", "cobalto"), 27),
    **dict.fromkeys(("níquel", "niquel"), 28),
    **dict.fromkeys(("kupfer", "cuivre", "cobre"), 29),
    **dict.fromkeys(("zink",), 30),
    **dict.fromkeys(("arsen", "arsénico"), 33),
    **dict.fromkeys(("estroncio",), 38),
    **dict.fromkeys(("zirkonium", "circonio"), 40),
    **dict.fromkeys(("molybdän", "molybdène", "molibdeno"), 42),
    **dict.fromkeys(("silber", "argent", "plata"), 47),
    **dict.fromkeys(("zinn", "étain", "estaño"), 50),
    **dict.fromkeys(("baryum", "bario"), 56),
    **dict.fromkeys(("tungstène", "wolframio"), 74),
    **dict.fromkeys(("platin", "platine", "platino"), 78),
    **dict.fromkeys(("oro",), 79),
    **dict.fromkeys(("quecksilber", "mercure", "mercurio"), 80),
    **dict.fromkeys(("blei", "plomb", "plomo"), 82),
    **dict.fromkeys(("uran", "uranio"), 92),
}
# English names by symbol, up to californium.
ELEMENT_NAMES = dict(zip(SYMBOLS, _NAMES.split(), strict=False))
ATOMIC_NUMBER_OF_NAME: dict[str, int] = {
    **{name: z for z, name in enumerate(_NAMES.split(), start=1)},
    **_OTHER_SPELLINGS,
}
ATOMIC_NUMBER_OF_WORD = {**_OTHER_LANGUAGES, **ATOMIC_NUMBER_OF_NAME}
