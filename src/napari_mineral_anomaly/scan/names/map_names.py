"""Finds the elements in the names of files, pages and channels.

All names of a folder or stack are read together. ``Pb-Zn_ore7_Zn Ka`` is a zinc map because the
other names are ``Pb-Zn_ore7_Fe Ka`` and ``Pb-Zn_ore7_Pb La``: the element is the part that changes
at the same place in all names. Each possible reading of a name leaves a frame (the words before
and after the element); the frame that occurs with the most different elements is chosen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_mineral_anomaly.scan.names.numbering import counted_names
from napari_mineral_anomaly.scan.names.periodic_table import (
    ATOMIC_NUMBER,
    ATOMIC_NUMBER_OF_NAME,
    SYMBOLS,
)

Role = Literal["element", "companion", "uncertainty", "unknown"]

# Words for other images among element maps, and how the report names these.
COMPANIONS: dict[str, str] = {
    **dict.fromkeys(("bse", "bsed", "cp", "compo"), "an electron image"),
    **dict.fromkeys(("sei", "topo"), "an electron image"),
    **dict.fromkeys(("total", "sum", "tot"), "a sum of signals"),
    **dict.fromkeys(("back", "background", "bkg"), "background signal"),
    **dict.fromkeys(("compton", "rayleigh", "elastic", "scatter"), "scattered radiation"),
    **dict.fromkeys(("video", "image", "img", "photo", "picture", "camera", "mosaic"), "a picture"),
    **dict.fromkeys(("optical", "ppl", "xpl", "rgb", "overview"), "a picture"),
    **dict.fromkeys(("phase", "phases", "mineral", "minerals"), "a phase map"),
    **dict.fromkeys(("classification", "classified", "classes", "labels"), "a phase map"),
    **dict.fromkeys(("standard", "standards"), "data of standards"),
    **dict.fromkeys(("scaler", "i0", "dwell", "livetime", "deadtime", "realtime"), "a scaler"),
    **dict.fromkeys(("chisq", "chi2", "residual", "residuals"), "a quality map of a fit"),
    **dict.fromkeys(("score", "contributions"), "a result of anomaly detection"),
}
# A name with one of these words is never an element map: scores are compared with these images.
_NEVER_ELEMENTS = {
    **dict.fromkeys(("mask", "masks"), "a mask"),
    **dict.fromkeys(("truth", "groundtruth"), "ground truth"),
}
_UNCERTAINTY_WORDS = frozenset(
    (
        *("err", "error", "errors", "unc", "uncertainty", "std", "stdev", "stddev"),
        *("sigma", "1sigma", "2sigma", "1se", "2se"),
    )
)

_SECONDARY_ELECTRONS = "SE"  # selenium is written Se

_USUAL_ENDINGS = frozenset(
    (
        *(".ome", ".tif", ".tiff", ".txt", ".csv", ".tsv", ".dat", ".asc", ".gz", ".mat", ".npy"),
        *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".md", ".json"),
    )
)
_WORD = re.compile(r"[^\s_\-.(),+;:\[\]/=]+")
# The marks Windows, macOS and browsers put on the second copy of a file.
_COPY = re.compile(r"[\s_-]*\(\d+\)$|[\s_-]+(?:copy|kopie|copie)(?:\s*\(?\d+\)?)?$", re.IGNORECASE)
_UNCERTAINTY_OF = re.compile(r"(?:^|[\s_\-.])s\(")
_LINE = re.compile(r"([KLM])(a|b|A|B|alpha|beta|α|β)?(\d)?")
_JOINED_LINE = re.compile(r"([A-Za-z]{2})([KLM](?:[abAB]\d?)?)|([A-Za-z])([KLM][abAB]\d?)")
_OXIDE = re.compile(r"([A-Z][a-z]?)(\d{0,2})O(\d{0,2})(T|t|tot)?")
_OXIDE_ANY_CASE = re.compile(r"([A-Z]{1,2})(\d{0,2})O(\d{0,2})(T|TOT)?", re.IGNORECASE)
_MASS = re.compile(r"([A-Za-z]{1,2})(\d{1,3})|(\d{1,3})([A-Za-z]{1,2})")
_TOTAL_OF_OXIDE = frozenset(("T", "t", "tot", "Tot", "total", "Total"))


@dataclass(frozen=True)
class ParsedName:
    """The element in one name, or why there is none.

    Attributes
    ----------
    name : str
        As given.
    role : {"element", "companion", "uncertainty", "unknown"}
    label : str
        Name of the map in an `ElementCube`: the symbol, with the X-ray line where one is named
        ("Pb La"); oxides ("FeO-T") and isotopes ("Dy163") stay as the geologist wrote them.
        For other roles the name itself.
    element : str or None
        Symbol, for example "Fe".
    line : str or None
        X-ray line: "K", "Ka", "Kb1", "L" ...
    oxide : str or None
        Formula, for example "Fe2O3".
    sample : str
        The words around the element, which distinguish two samples in one folder.
    is_copy : bool
        Whether the name carries a copy mark such as " (1)".
    reason : str
        For other roles: why this is not an element map, in words.
    """

    name: str
    role: Role
    label: str
    element: str | None = None
    line: str | None = None
    oxide: str | None = None
    sample: str = ""
    is_copy: bool = False
    reason: str = ""


def parse_names(names: Sequence[str], *, endings: Iterable[str] = ()) -> list[ParsedName]:
    """Read all names of one folder or one stack together.

    Parameters
    ----------
    names : sequence of str
        File names (with or without ending), page labels or channel names.
    endings : iterable of str, optional
        Endings (".tif") that are no part of a name, beyond the usual ones of maps and pictures.

    Returns
    -------
    list of ParsedName
        In the order given. Two names may carry the same label: see `samples_of`.
    """
    no_part = frozenset(endings) | _USUAL_ENDINGS
    split = [_SplitName.of(name, no_part) for name in names]
    readings = [_readings(name, any_case=False) for name in split]
    folded = [_readings(name, any_case=True) for name in split]
    if _is_case_folded(split, readings, folded):
        readings = folded
    readings = [
        [*options, *_spelled_out(name)] for name, options in zip(split, readings, strict=True)
    ]
    for position in counted_names([name.base for name in split], _is_isotope):
        readings[position] = []
    fillings: dict[_Frame, set[str]] = defaultdict(set)
    for name, options in zip(split, readings, strict=True):
        if not name.is_barred:
            for option in options:
                fillings[option.frame].add(option.label)
    shared = {frame: len(labels) for frame, labels in fillings.items() if len(labels) > 1}
    has_clean_frame = any(not _flagged(frame.words) for frame in shared)
    return [
        _decide(name, options, shared, forgive=not has_clean_frame)
        for name, options in zip(split, readings, strict=True)
    ]


def any_element(parsed: Iterable[ParsedName]) -> bool:
    """Whether a name is that of an element."""
    return any(entry.role == "element" for entry in parsed)


def samples_of(parsed: Iterable[ParsedName]) -> tuple[str, ...]:
    """The samples in a set of names, or () when all names belong to one sample.

    Names of several samples repeat the same elements with other words (``Sample_01_Fe``,
    ``Sample_02_Fe``). A single repetition beside a full set (``Fe``, ``Si`` ... ``old_Fe``) is a
    duplicate of one map, not a second sample.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for entry in parsed:
        if entry.role == "element" and entry.element is not None:
            groups[entry.sample].add(entry.element)
    largest = max((len(found) for found in groups.values()), default=0)
    full = {name: found for name, found in groups.items() if len(found) > 1 or largest == 1}
    mixed = [
        name
        for name, found in full.items()
        if any(found & other for key, other in full.items() if key != name)
    ]
    return tuple(sorted(mixed))


@dataclass(frozen=True)
class _Frame:
    """The words before and after the element in a name."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return self.before + self.after


@dataclass(frozen=True)
class _SplitName:
    """A name cut into words, with the facts that do not depend on the other names."""

    name: str
    base: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    is_copy: bool
    is_uncertainty: bool

    @classmethod
    def of(cls, name: str, endings: frozenset[str]) -> _SplitName:
        lines = name.strip().splitlines()  # ImageJ labels carry more lines after the name
        base = _without_endings(lines[0] if lines else "", endings)
        is_uncertainty = _UNCERTAINTY_OF.search(base) is not None
        without_copy = _COPY.sub("", base)
        found = list(_WORD.finditer(without_copy))
        words = tuple(match.group() for match in found)
        is_uncertainty |= any(w[0] == "s" and _symbol(w[1:], any_case=False) for w in words)
        return cls(
            name,
            without_copy,
            words,
            tuple(match.span() for match in found),
            is_copy=without_copy != base,
            is_uncertainty=is_uncertainty,
        )

    @property
    def is_barred(self) -> bool:
        return self.is_uncertainty or any(word.casefold() in _NEVER_ELEMENTS for word in self.words)


def _without_endings(name: str, endings: frozenset[str]) -> str:
    """The name before its endings: "Fe" for "Fe.ome.tif"."""
    base, dot, last = name.rpartition(".")
    while dot and (dot + last).lower() in endings:
        name = base
        base, dot, last = name.rpartition(".")
    return name


@dataclass(frozen=True)
class _Reading:
    """One possible element in a name: the words from ``start`` up to ``stop``."""

    element: str
    line: str | None
    oxide: str | None
    label: str
    start: int
    stop: int
    frame: _Frame


def _readings(name: _SplitName, *, any_case: bool) -> list[_Reading]:
    """Every way to read an element in a name, leftmost first."""
    found = []
    for start, word in enumerate(name.words):
        hit = _read_word(word, any_case=any_case)
        if hit is None:
            continue
        element, line, oxide, label = hit
        stop = start + 1
        following = name.words[stop] if stop < len(name.words) else ""
        if oxide and following in _TOTAL_OF_OXIDE:
            stop += 1
            label = name.base[name.spans[start][0] : name.spans[stop - 1][1]]
            label += ")" if "(" in label else ""
        elif not oxide and line is None and (match := _LINE.fullmatch(following)):
            stop += 1
            line = _line_name(match)
            label = f"{label} {line}"
        frame = _Frame(name.words[:start], name.words[stop:])
        found.append(_Reading(element, line, oxide, label, start, stop, frame))
    return found


def _spelled_out(name: _SplitName) -> list[_Reading]:
    """The reading of a name that is only the English name of an element ("Iron", "Iron Ka1").

    "Lead time" and "Tin can" are other words. "Gold K" among "Gold Ca" and "Gold Fe" is potassium
    in a sample called Gold; so this is one more reading, and the frames decide.
    """
    first, second = (*name.words, "", "")[:2]
    z = ATOMIC_NUMBER_OF_NAME.get(first.casefold())
    line_match = _LINE.fullmatch(second)
    if z is None or len(name.words) > 2 or (second and not line_match):
        return []
    symbol = SYMBOLS[z - 1]
    line = _line_name(line_match) if line_match else None
    label = f"{symbol} {line}" if line else symbol
    return [_Reading(symbol, line, None, label, 0, len(name.words), _Frame((), ()))]


def _read_word(word: str, *, any_case: bool) -> tuple[str, str | None, str | None, str] | None:
    """Element, line, oxide and label of one word, or None."""
    if any_case and (word == _SECONDARY_ELECTRONS or not (word.isupper() or word.islower())):
        return None
    if symbol := _symbol(word, any_case=any_case):
        return symbol, None, None, symbol
    if oxide := _oxide(word, any_case=any_case):
        return oxide[0], None, oxide[1], word
    if match := _JOINED_LINE.fullmatch(word):
        symbol = _symbol(match[1] or match[3], any_case=any_case)
        line_match = _LINE.fullmatch(match[2] or match[4])
        if symbol and line_match:
            line = _line_name(line_match)
            return symbol, line, None, f"{symbol} {line}"
    if match := _MASS.fullmatch(word):
        symbol = _symbol(match[1] or match[4], any_case=any_case)
        if symbol and _is_isotope(symbol, int(match[2] or match[3])):
            return symbol, None, None, word
    return None


def _symbol(word: str, *, any_case: bool) -> str | None:
    symbol = word.capitalize() if any_case else word
    return symbol if symbol in ATOMIC_NUMBER else None


def _oxide(word: str, *, any_case: bool) -> tuple[str, str] | None:
    match = (_OXIDE_ANY_CASE if any_case else _OXIDE).fullmatch(word)
    if match is None:
        return None
    symbol = match[1].capitalize()
    # Without a number only two-letter metals make an oxide (FeO): CO and NO are file-name words.
    if symbol not in ATOMIC_NUMBER or symbol == "O":
        return None
    if len(symbol) == 1 and not (match[2] or match[3]):
        return None
    return symbol, f"{symbol}{match[2]}O{match[3]}"


def _is_isotope(symbol: str, mass: int) -> bool:
    """Whether a mass number is near the valley of stability (`S1` and `No5` are not isotopes).

    Z = A / (1.98 + 0.0155 A^(2/3)), the minimum of the semi-empirical mass formula; natural
    isotopes from boron to uranium lie within 2.5 of it.
    """
    stable = mass / (1.98 + 0.0155 * mass ** (2 / 3))
    return symbol in ATOMIC_NUMBER and mass >= 6 and abs(stable - ATOMIC_NUMBER[symbol]) <= 2.5


def _line_name(match: re.Match[str]) -> str:
    shell, transition, number = match.groups()
    greek = {"α": "a", "β": "b"}
    letter = greek.get(transition, transition[0].lower()) if transition else ""
    return f"{shell}{letter}{number or ''}"


def _is_case_folded(
    names: list[_SplitName], readings: list[list[_Reading]], folded: list[list[_Reading]]
) -> bool:
    """Whether the symbols are written FE, SI, K (or fe, si, k), none of them as Fe.

    A single name of several words does not count: the "as" of as_measured.txt is not arsenic.
    """
    proper = any(len(option.element) > 1 for options in readings for option in options)
    gained = sum(map(bool, folded)) - sum(map(bool, readings))
    is_set = sum(map(bool, folded)) > 1 or all(len(name.words) <= 1 for name in names)
    return not proper and gained > 0 and is_set


def _flagged(words: Iterable[str]) -> bool:
    return any(_companion_of(word) or word.casefold() in _UNCERTAINTY_WORDS for word in words)


def _companion_of(word: str) -> str | None:
    if word == _SECONDARY_ELECTRONS:
        return "an electron image"
    return COMPANIONS.get(word.casefold())


def _decide(
    name: _SplitName, options: list[_Reading], shared: dict[_Frame, int], *, forgive: bool
) -> ParsedName:
    """Choose the reading of one name, or say why it holds no element."""
    if name.is_uncertainty:
        return _other(name, "uncertainty", "an uncertainty map")
    for word in name.words:
        if word.casefold() in _NEVER_ELEMENTS:
            return _other(name, "companion", _NEVER_ELEMENTS[word.casefold()])
    best = _best_reading(name, options, shared)
    rest = name.words if best is None else best.frame.words
    if best is None or not (forgive and best.frame in shared):
        for word in rest:
            if word.casefold() in _UNCERTAINTY_WORDS:
                return _other(name, "uncertainty", "an uncertainty map")
            if meaning := _companion_of(word):
                return _other(name, "companion", meaning)
    if best is None:
        return _other(name, "unknown", "no element in its name")
    around = (
        name.base[: name.spans[best.start][0]].strip(" _-.(),+;:[]/="),
        name.base[name.spans[best.stop - 1][1] :].strip(" _-.(),+;:[]/="),
    )
    return ParsedName(
        name=name.name,
        role="element",
        label=best.label,
        element=best.element,
        line=best.line,
        oxide=best.oxide,
        sample="_".join(filter(None, around)),
        is_copy=name.is_copy,
    )


def _best_reading(
    name: _SplitName, options: list[_Reading], shared: dict[_Frame, int]
) -> _Reading | None:
    if not any(option.frame in shared for option in options):
        # A name that starts like the others has its element at the same place, or none.
        opening = max(
            (f.before for f in shared if f.before and name.words[: len(f.before)] == f.before),
            key=len,
            default=(),
        )
        options = [option for option in options if option.start >= len(opening)]
    return max(
        options,
        key=lambda o: (shared.get(o.frame, 1), o.line is not None, o.start),
        default=None,
    )


def _other(name: _SplitName, role: Role, reason: str) -> ParsedName:
    return ParsedName(
        name=name.name, role=role, label=name.name, is_copy=name.is_copy, reason=reason
    )
