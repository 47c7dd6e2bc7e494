"""The words beside elements in names of files and columns, and what they stand for."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s_\-.(),;:/]+")

# Words for other images among element maps, and how the report names these.
COMPANIONS: dict[str, str] = {
    **dict.fromkeys(("bse", "bsed", "cp", "compo", "electron"), "an electron image"),
    **dict.fromkeys(("sei", "topo", "backscattered", "haadf"), "an electron image"),
    **dict.fromkeys(("total", "sum", "tot"), "a sum of signals"),
    **dict.fromkeys(("back", "background", "bkg", "bg", "bgd"), "background signal"),
    **dict.fromkeys(("compton", "rayleigh", "elastic", "scatter"), "scattered radiation"),
    **dict.fromkeys(("coh", "inc", "coherent", "incoherent"), "scattered radiation"),
    **dict.fromkeys(("video", "image", "img", "photo", "picture", "camera", "mosaic"), "a picture"),
    **dict.fromkeys(("optical", "ppl", "xpl", "rgb", "overview"), "a picture"),
    **dict.fromkeys(("phase", "phases", "mineral", "minerals"), "a phase map"),
    **dict.fromkeys(("classification", "classified", "classes", "labels"), "a phase map"),
    **dict.fromkeys(("standard", "standards"), "data of standards"),
    **dict.fromkeys(("scaler", "i0", "dwell", "livetime", "deadtime", "realtime"), "a scaler"),
    **dict.fromkeys(("chisq", "chi2", "residual", "residuals"), "a quality map of a fit"),
    **dict.fromkeys(("score", "contributions"), "a result of anomaly detection"),
}
SECONDARY_ELECTRONS = "SE"  # selenium is written Se

# A name with one of these words is never an element map: scores are compared with these images.
NEVER_ELEMENTS = {
    **dict.fromkeys(("mask", "masks"), "a mask"),
    **dict.fromkeys(("truth", "groundtruth"), "ground truth"),
}

_UNCERTAINTY_WORDS = frozenset(
    (
        *("err", "error", "errors", "errs", "unc", "uncert", "uncertainty", "uncertainties"),
        *("std", "stdev", "stddev", "stderr", "esd", "variance", "deviation", "relerr", "abserr"),
        *("unsicherheit", "fehler", "erreur", "incertitude"),
    )
)
# Standard deviations and errors with their number and kind: "2SD", "Int2SE" and "Prop2SE" (Iolite),
# "1sigma", "3σ", "%RSD", and intervals: "95CI".
_KIND = "(?:int|ext|prop|internal|propagated|rel|abs)"
_DEVIATION = re.compile(
    rf"{_KIND}?[1-3](?:s|r?sd|se|sem|sig|sigmas?|σ)|{_KIND}(?:sd|se)|r?sd|sigmas?|σ"
    r"|\d{2}ci|ci\d{2}"
)

# What is computed from element maps, and what belongs to a measurement of an element.
_LIMIT, _RATIO, _NUMBER = "a detection limit", "a ratio", "a number computed from elements"
DERIVED_WORDS: dict[str, str] = {
    **dict.fromkeys(("mdl", "lod", "loq", "lld", "dl", "detection"), _LIMIT),
    **dict.fromkeys(("ratio", "ratios", "logratio", "quotient"), _RATIO),
    **dict.fromkeys(("diff", "difference"), "a difference"),
    **dict.fromkeys(("log", "log10", "ln", "log2", "sqrt", "clr", "ilr"), "a transformed map"),
    **dict.fromkeys(("number", "no", "nr", "num", "zahl", "index", "value", "factor"), _NUMBER),
    **dict.fromkeys(("enrichment", "depletion", "x"), _NUMBER),
}
# Words that join two elements where they stand between them: "Fe over Ti".
JOINING_WORDS = frozenset(("over", "div", "per", "vs", "versus", "minus", "plus", "times", "by"))

# Words for the unit of the numbers; a mass fraction stands back behind the counts of an element.
FRACTION_WORDS = frozenset(
    (
        *("wt", "wt%", "weight", "weight%", "mass", "mass%", "massfraction", "percent", "%"),
        *("at%", "atomic%", "norm%", "ppm", "ppb", "conc", "concentration"),
    )
)
NEUTRAL_WORDS = FRACTION_WORDS | frozenset(
    (
        *("map", "maps", "counts", "count", "cts", "cps", "intensity", "int", "net", "raw", "area"),
        *("norm", "series", "line", "edge", "layer", "channel", "element", "data"),
    )
)

# Symbols that are more often a word, a unit or a letter of the alphabet: those of one letter too.
WORD_LIKE = frozenset(
    (
        *("Ac", "Am", "As", "At", "Be", "Cm", "Es", "He", "In", "Md", "Mt", "No", "Os", "Pa", "Po"),
        *("Pt", "Re", "Ts"),
    )
)


def fraction_unit(name: str) -> str:
    """The unit that a name says for a fraction: "%", "ppm" or "ppb"; "" for none."""
    words = re.split(r"[\s_\-()\[\],;:]+", name.casefold())
    for word in words:
        if word in ("ppm", "ppb"):
            return word
        if word == "wt" or word.endswith("%"):
            return "%"
    return ""


def is_word_like(symbol: str) -> bool:
    """Whether a symbol may as well be a word, a unit or a letter ("In", "Pt", "I")."""
    return len(symbol) == 1 or symbol in WORD_LIKE


def is_uncertainty(word: str) -> bool:
    """Whether a word names an uncertainty: "error", "2SD", "Int2SE", "RSD%"."""
    folded = word.casefold().strip("%")
    if word == SECONDARY_ELECTRONS:
        return False
    return folded in _UNCERTAINTY_WORDS or _DEVIATION.fullmatch(folded) is not None


def is_flagged(word: str) -> bool:
    """Whether a word says that a name is not that of an element map, if others do without it."""
    folded = word.casefold()
    return companion_of(word) is not None or is_uncertainty(word) or folded in DERIVED_WORDS


def companion_of(word: str) -> str | None:
    """What kind of other image a word stands for; None for other words."""
    if word == SECONDARY_ELECTRONS:
        return "an electron image"
    return COMPANIONS.get(word.casefold())


def has_own_words(sample: str) -> bool:
    """Whether the words around an element say more than a unit or a number."""
    words = _SEPARATORS.split(sample.casefold())
    return any(word not in NEUTRAL_WORDS and any(map(str.isalpha, word)) for word in words if word)
