"""The elements by atomic number: their symbols, and their English names ("Iron" for "Fe")."""

from __future__ import annotations

_SYMBOLS_IN_ORDER = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se
    Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy
    Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf
    Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""

SYMBOLS: tuple[str, ...] = tuple(_SYMBOLS_IN_ORDER.split())

ATOMIC_NUMBER = {symbol: z for z, symbol in enumerate(SYMBOLS, start=1)}

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
ATOMIC_NUMBER_OF_NAME: dict[str, int] = {
    **{name: z for z, name in enumerate(_NAMES.split(), start=1)},
    **_OTHER_SPELLINGS,
}
