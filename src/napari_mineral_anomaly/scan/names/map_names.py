"""Finds the elements in the names of files, pages and channels.

All names of a folder or stack are read together. ``Pb-Zn_ore7_Zn Ka`` is a zinc map because the
other names are ``Pb-Zn_ore7_Fe Ka`` and ``Pb-Zn_ore7_Pb La``: the element is the part that changes
at the same place in all names. Each possible reading of a name leaves a frame (the words before
and after the element); the frame that occurs with the most different elements is chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_mineral_anomaly.scan.names.combinations import (
    computed_from,
    is_line_behind_slash,
    names_several,
)
from napari_mineral_anomaly.scan.names.numbering import counted_names
from napari_mineral_anomaly.scan.names.periodic_table import (
    RADIOACTIVE,
)
from napari_mineral_anomaly.scan.names.readings import (
    Frame,
    Reading,
    may_be_meant,
    opens_phrase,
    readings_of,
    spelled_out,
)
from napari_mineral_anomaly.scan.names.split_names import SplitName, split_name
from napari_mineral_anomaly.scan.names.vocabulary import (
    DERIVED_WORDS,
    FRACTION_WORDS,
    NEVER_ELEMENTS,
    companion_of,
    is_flagged,
    is_uncertainty,
    is_word_like,
)
from napari_mineral_anomaly.scan.names.words import is_isotope

Role = Literal["element", "companion", "uncertainty", "derived", "left out", "unknown"]

_NO_ELEMENT = "no element in its name"


@dataclass(frozen=True)
class ParsedName:
    """The element in one name, or why there is none.

    Attributes
    ----------
    name : str
        As given.
    role : {"element", "companion", "uncertainty", "derived", "left out", "unknown"}
        "derived": computed from elements (ratio, sum, mass fraction), or a detection limit;
        "left out": by the user.
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
    is_fraction : bool
        Whether the name says a mass fraction ("Fe wt%", "w(Fe)", "wFe_K").
    support : int
        How many elements of the set stand in names with the same words around them.
    reason : str
        For other roles: why this is not an element map, in words.
    told_by : str
        "named by the user" and the like where the role is not from the name; else "".
    """

    name: str
    role: Role
    label: str
    element: str | None = None
    line: str | None = None
    oxide: str | None = None
    sample: str = ""
    is_copy: bool = False
    is_fraction: bool = False
    support: int = 1
    reason: str = ""
    told_by: str = ""


def parse_names(names: Sequence[str], *, endings: Iterable[str] = ()) -> list[ParsedName]:
    """Read all names of one folder, one stack or one table together.

    Parameters
    ----------
    names : sequence of str
        File names (with or without ending), page labels, channel names or headings of columns.
    endings : iterable of str, optional
        Endings (".tif") that are no part of a name, beyond the usual ones of maps and pictures.

    Returns
    -------
    list of ParsedName
        In the order given. Two names may carry the same label: see `samples_of`.
    """
    split = [split_name(name, endings) for name in names]
    readings = [readings_of(name, any_case=False) for name in split]
    folded = [readings_of(name, any_case=True) for name in split]
    if _is_case_folded(split, readings, folded):
        readings = folded
    readings = _in_their_set(readings)
    slashes = [is_line_behind_slash(name.base) for name in split]
    slash_is_line = slashes.count(True) > 1 and False not in slashes
    computed = [
        computed_from(name.base, name.words, name.spans, options, slash_is_line=slash_is_line)
        for name, options in zip(split, readings, strict=True)
    ]
    for position in counted_names([name.base for name in split], is_isotope):
        readings[position] = []
    readings = [
        [*options, *spelled_out(name)] for name, options in zip(split, readings, strict=True)
    ]
    fillings: dict[Frame, set[str]] = defaultdict(set)
    for name, options, meaning in zip(split, readings, computed, strict=True):
        if not name.is_barred and not meaning:
            for option in options:
                fillings[option.frame].add(option.label)
    shared = {frame: len(labels) for frame, labels in fillings.items() if len(labels) > 1}
    has_clean_frame = any(not any(map(is_flagged, frame.words)) for frame in shared)
    parsed = [
        _other(name, "derived", meaning)
        if meaning and not name.is_barred
        else _decide(name, options, shared, forgive=not has_clean_frame)
        for name, options, meaning in zip(split, readings, computed, strict=True)
    ]
    return _without_fractions(split, parsed)


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
        if entry.role == "element" and entry.element is not None and not entry.told_by:
            groups[entry.sample].add(entry.element)
    largest = max((len(found) for found in groups.values()), default=0)
    full = {name: found for name, found in groups.items() if len(found) > 1 or largest == 1}
    mixed = [
        name
        for name, found in full.items()
        if any(found & other for key, other in full.items() if key != name)
    ]
    return tuple(sorted(mixed))


def _in_their_set(readings: list[list[Reading]]) -> list[list[Reading]]:
    """Without the readings that only make sense among others of their kind.

    "PK" is phosphorus among FeK and CaK. Am, Pm, Pa ... are elements of nuclear materials: beside
    maps of other elements, none of them radioactive and without a line, they are words.
    """
    every = [one for options in readings for one in options]
    letters = {one.label for one in every if one.word.is_joined_letter}
    is_joined = any(one.word.is_joined and not one.word.is_joined_letter for one in every)
    is_joined |= len(letters) > 2
    bare = {one.element for one in every if one.element in RADIOACTIVE and one.line is None}
    others = {one.element for one in every} - bare
    is_nuclear = len(bare) > 1 or bool(others & {"U", "Th"}) or not others
    return [
        [
            one
            for one in options
            if (is_joined or not one.word.is_joined_letter)
            and (is_nuclear or one.line is not None or one.element not in RADIOACTIVE)
        ]
        for options in readings
    ]


def _is_case_folded(
    names: list[SplitName], readings: list[list[Reading]], folded: list[list[Reading]]
) -> bool:
    """Whether the symbols are written FE, SI, K (or fe, si, k), none of them as Fe.

    A single name of several words does not count: the "as" of as_measured.txt is not arsenic.
    """
    proper = any(len(option.element) > 1 for options in readings for option in options)
    gained = sum(map(bool, folded)) - sum(map(bool, readings))
    is_set = sum(map(bool, folded)) > 1 or all(len(name.words) <= 1 for name in names)
    return not proper and gained > 0 and is_set


def _decide(
    name: SplitName, options: list[Reading], shared: dict[Frame, int], *, forgive: bool
) -> ParsedName:
    """Choose the reading of one name, or say why it holds no element."""
    if name.is_uncertainty:
        return _other(name, "uncertainty", "an uncertainty map")
    for text in name.words:
        if text.casefold() in NEVER_ELEMENTS:
            return _other(name, "companion", NEVER_ELEMENTS[text.casefold()])
    options = [o for o in options if o.frame in shared or not opens_phrase(o, name)]
    best = _best_reading(name, options, shared)
    rest = name.words if best is None else best.frame.words
    if best is None or not (forgive and best.frame in shared):
        for text in rest:
            if is_uncertainty(text):
                return _other(name, "uncertainty", "an uncertainty map")
            if meaning := companion_of(text):
                return _other(name, "companion", meaning)
            if best is not None and (derived := _derived_word(text, name, best)):
                return _other(name, "derived", derived)
    if best is None:
        return _other(name, "unknown", _NO_ELEMENT)
    only_elements = names_several(name.words, options)
    plain = shared.get(Frame((), ()), 0)
    if all(only_elements) and plain >= shared.get(best.frame, 1) and best.frame.words:
        return _other(name, "derived", f"a combination of {only_elements[0]} by its name")
    if best.frame not in shared:
        rivals = [o for o in options if o.line == best.line or o.line is not None]
        several, only = names_several(name.words, rivals)
        if several and only:
            return _other(name, "derived", f"a combination of {several} by its name")
        several, _ = names_several(name.words, [o for o in rivals if may_be_meant(o, name)])
        if several:
            return _other(name, "unknown", f"its name holds several elements, {several}")
    around = (
        name.base[: name.spans[best.start][0]].strip(_MARKS),
        name.base[name.spans[best.stop - 1][1] :].strip(_MARKS),
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
        is_fraction=name.is_fraction or _names_fraction("_".join(around)),
        support=shared.get(best.frame, 1),
    )


def _derived_word(text: str, name: SplitName, best: Reading) -> str:
    """What a word says that was computed from the element, "" for other words.

    The "No" of "Fe No 1" counts the maps of iron; that of "Mg no." is the magnesium number.
    """
    meaning = DERIVED_WORDS.get(text.casefold(), "")
    if not meaning:
        return ""
    position = name.words.index(text)
    following = name.words[position + 1] if position + 1 < len(name.words) else ""
    counts = text.casefold() in ("no", "nr", "num", "number") and (
        position < best.start or following.isdecimal()
    )
    is_mole_fraction = text == "X" and position + 1 == best.start
    if text.casefold() == "x":
        return "a mole fraction" if is_mole_fraction else ""
    return "" if counts else meaning


def _best_reading(
    name: SplitName, options: list[Reading], shared: dict[Frame, int]
) -> Reading | None:
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
        key=lambda o: (
            shared.get(o.frame, 1),
            o.line is not None,
            not is_word_like(o.element),
            o.start,
        ),
        default=None,
    )


def _without_fractions(
    split: Sequence[SplitName], parsed: Sequence[ParsedName]
) -> list[ParsedName]:
    """Mass fractions stand back where a map of the same element says nothing of the kind."""
    fraction = [entry.role == "element" and entry.is_fraction for entry in parsed]
    plain = {
        entry.element
        for entry, is_fraction in zip(parsed, fraction, strict=True)
        if entry.role == "element" and not is_fraction
    }
    return [
        _other(name, "derived", f"a mass fraction beside the map of {entry.element}")
        if is_fraction and entry.element in plain
        else entry
        for name, entry, is_fraction in zip(split, parsed, fraction, strict=True)
    ]


def _names_fraction(sample: str) -> bool:
    words = sample.replace("_", " ").replace("(", " ").split()
    return any(word.strip(_MARKS).casefold() in FRACTION_WORDS for word in words)


def _other(name: SplitName, role: Role, reason: str) -> ParsedName:
    return ParsedName(
        name=name.name, role=role, label=name.name, is_copy=name.is_copy, reason=reason
    )


_MARKS = " _-.(),+;:[]/="
