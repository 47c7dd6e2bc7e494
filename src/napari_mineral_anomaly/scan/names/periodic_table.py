"""The English names of the elements, for planes that are called "Iron" and not "Fe"."""

from __future__ import annotations

_BY_ATOMIC_NUMBER = """
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
    **{name: z for z, name in enumerate(_BY_ATOMIC_NUMBER.split(), start=1)},
    **_OTHER_SPELLINGS,
}
