"""One step of editing grains: merge, split, redraw, each with what happens to verdicts.

A step makes a new `VerdictBook`, whose edits and verdicts belong together. What is derived from
the pixels of a grain is computed by `grains.table` for edited grains as for all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import UNSEEN
from napari_mineral_anomaly.grains.pixels.edits import (
    EditedGrain,
    GrainEdits,
    How,
    Pixels,
    flat_pixels,
)
from napari_mineral_anomaly.grains.pixels.extent import label_areas
from napari_mineral_anomaly.grains.verdicts.book import Verdict, VerdictBook, now, user_name
from napari_mineral_anomaly.words import counted, listed

UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class GrainMap:
    """The grains as they are listed, for the next edit.

    Attributes
    ----------
    labels : (H, W)
        The pixels of the grains by their ids.
    score : (H, W)
        Background sigmas.
    allowed : (H, W) bool
        Pixels that may belong to a grain: valid, and not brushed out of the mask.
    edits : GrainEdits
        The edits that the list was made with.
    """

    labels: NDArray[Any]
    score: NDArray[np.floating[Any]]
    allowed: NDArray[np.bool_]
    edits: GrainEdits

    def pixels(self, grain: int) -> Pixels:
        """Rising flat positions of a grain.

        Raises
        ------
        InputError
            When there is no such grain.
        """
        found = flat_pixels(self.labels == grain)
        if grain < 1 or not found.size:
            raise InputError(f"There is no grain {grain} in the list.")
        return found

    def oddest(self, pixels: Pixels) -> tuple[float, int]:
        """The highest score of some pixels, and where it is (flat position)."""
        score = np.nan_to_num(self.score.reshape(-1)[pixels].astype(np.float64), nan=-np.inf)
        best = int(np.argmax(score))
        return float(score[best]), int(pixels[best])


@dataclass(frozen=True, eq=False)
class EditStep:
    """An edit that was made.

    Attributes
    ----------
    book : VerdictBook
        Edits and verdicts from now on.
    text : str
        What was done, for undo and for the log: "merge grains 3 and 5".
    sentence : str
        What to tell the user.
    pixel : int
        A pixel of the edited grain (flat position), to find it in the new list.
    """

    book: VerdictBook
    text: str
    sentence: str
    pixel: int


def merge(grains: GrainMap, book: VerdictBook, ids: Iterable[int]) -> EditStep:
    """Make one grain of several; it keeps the id of the oddest.

    Where all verdicts on them agree, the merged grain has it; where they differ, it is undecided
    again. Comments are joined.

    Parameters
    ----------
    grains : GrainMap
    book : VerdictBook
    ids : iterable of int
        Two or more.

    Raises
    ------
    InputError
        For fewer than two grains, or one that there is not.
    """
    _require_current(grains, book)
    chosen = sorted(set(ids))
    if len(chosen) < 2:
        raise InputError(
            "Select two or more grains to merge: hold Ctrl or Shift and click their rows."
        )
    pixels = {grain: grains.pixels(grain) for grain in chosen}
    by_peak = sorted(chosen, key=lambda grain: -grains.oddest(pixels[grain])[0])
    parts = {grain: _edited(grains, pixels[grain]) for grain in chosen}
    oddest = parts[by_peak[0]]
    whole = np.unique(np.concatenate([part.pixels for part in parts.values()]))
    merged = replace(oddest, pixels=whole, how="merged")
    edits = book.edits.changed(parts.values(), [merged])
    given = _verdicts(grains, book, by_peak)
    verdict, said = _joined(given, whole)
    new = _with_verdicts(book, edits, whole, [] if verdict is None else [verdict])
    names = listed(list(map(str, chosen)), len(chosen))
    sentence = f"Grains {names} are grain {by_peak[0]} now{_in_pieces(grains, whole)}.{said}"
    place = grains.oddest(pixels[by_peak[0]])[1]
    return EditStep(new, f"merge grains {names}", sentence, place)


def split(grains: GrainMap, book: VerdictBook, grain: int, parts: NDArray[Any]) -> EditStep:
    """Make several grains of one; the oddest part keeps the id, the verdict and the comment.

    The others get new ids and are unseen.

    Parameters
    ----------
    grains : GrainMap
    book : VerdictBook
    grain : int
    parts : (H, W)
        The number of the part of each pixel, from 1; 0 counts as a part too. Only pixels of the
        grain count.

    Raises
    ------
    InputError
        When there is no such grain, or only one part.
    """
    _require_current(grains, book)
    pixels = grains.pixels(grain)
    number = parts.reshape(-1)[pixels]
    numbers = np.unique(number)
    if numbers.size < 2:
        raise InputError(
            f"Grain {grain} is still one: brush a part of it, and leave another part unbrushed."
        )
    before = _edited(grains, pixels)
    place = grains.oddest(pixels)[1]
    own = parts.reshape(-1)[place]
    kept = replace(before, pixels=pixels[number == own], how="split")
    new = [
        EditedGrain(pixels[number == one], "split", number=book.edits.n_new + k)
        for k, one in enumerate(numbers[numbers != own], start=1)
    ]
    edits = book.edits.changed([before], [kept, *new])
    given = _verdicts(grains, book, [grain])
    follows = [replace(verdict, pixels=kept.pixels) for verdict in given]
    sizes = listed([f"{one.pixels.size:,}" for one in (kept, *new)], numbers.size)
    sentence = (
        f"Grain {grain} is {counted(numbers.size, 'grain')} now, of {sizes} pixels. The oddest "
        f"keeps the id{' and the verdict' if given else ''}; the new ones are unseen."
    )
    after = _with_verdicts(book, edits, pixels, follows)
    return EditStep(after, f"split grain {grain}", sentence, place)


def redraw(grains: GrainMap, book: VerdictBook, grain: int, drawn: NDArray[Any]) -> EditStep:
    """Replace the pixels of a grain by drawn ones; id, verdict and comment stay.

    Drawn pixels of another grain are taken from it, and said; drawn pixels that may belong to no
    grain are left out, and said.

    Parameters
    ----------
    grains : GrainMap
    book : VerdictBook
    grain : int
    drawn : (H, W)
        Non-zero = in the grain.

    Raises
    ------
    InputError
        When there is no such grain, nothing is drawn, nothing changes, or another grain would have
        no pixel left.
    """
    _require_current(grains, book)
    old = grains.pixels(grain)
    drawn = np.asarray(drawn) != 0
    pixels = flat_pixels(drawn & grains.allowed)
    if not pixels.size:
        raise InputError(
            f"Nothing is drawn inside the sample: paint the pixels of grain {grain}. A grain that "
            "is none can be rejected."
        )
    if np.array_equal(pixels, old):
        raise InputError(f"The drawing is grain {grain} as it is: nothing was changed.")
    before = _edited(grains, old)
    new, gone, follows = [replace(before, pixels=pixels, how="redrawn")], [before], []
    others = [int(one) for one in np.unique(grains.labels.reshape(-1)[pixels]) if one]
    others = [one for one in others if one != grain]
    for other in others:
        whole = grains.pixels(other)
        rest = np.setdiff1d(whole, pixels)
        if not rest.size:
            raise InputError(
                f"The drawing covers all of grain {other}: merge grains {grain} and {other} "
                "instead, or leave a part of it out."
            )
        cut = _edited(grains, whole)
        gone.append(cut)
        new.append(replace(cut, pixels=rest, how="cut"))
        follows += [replace(verdict, pixels=rest) for verdict in _verdicts(grains, book, [other])]
    follows += [replace(verdict, pixels=pixels) for verdict in _verdicts(grains, book, [grain])]
    edits = book.edits.changed(gone, new)
    touched = np.unique(np.concatenate([one.pixels for one in (*gone, *new)]))
    sentence = f"Grain {grain} has {counted(pixels.size, 'pixel')} now, {old.size:,} before"
    sentence += f"{_in_pieces(grains, pixels)}."
    if others:
        taken = int(np.isin(grains.labels.reshape(-1)[pixels], others).sum())
        names = listed(list(map(str, others)), len(others))
        many = "grains" if len(others) > 1 else "grain"
        sentence += f" {counted(taken, 'pixel')} of them belonged to {many} {names}."
    outside = int(np.count_nonzero(drawn)) - pixels.size
    if outside:
        sentence += f" {counted(outside, 'pixel')} outside the sample or the mask were left out."
    after = _with_verdicts(book, edits, touched, follows)
    return EditStep(after, f"redraw grain {grain}", sentence, grains.oddest(pixels)[1])


def _require_current(grains: GrainMap, book: VerdictBook) -> None:
    if grains.edits is not book.edits:
        raise InputError("The list is being made again after your last edit: wait for it.")


def _edited(grains: GrainMap, pixels: Pixels) -> EditedGrain:
    """A grain of the list as an edited one; a computed one keeps its id by its oddest pixel."""
    found = grains.edits.at(int(pixels[0]))
    if found is not None:
        return found
    how: How = "redrawn"  # replaced by the edit that is made now
    return EditedGrain(pixels, how, anchor=grains.oddest(pixels)[1])


def _verdicts(grains: GrainMap, book: VerdictBook, ids: Sequence[int]) -> list[Verdict]:
    """The verdicts that some grains have, in the order of the grains."""
    known = book.of_grains(grains.labels)
    return [known[grain] for grain in ids if grain in known]


def _joined(given: list[Verdict], pixels: Pixels) -> tuple[Verdict | None, str]:
    """One verdict for a merged grain, and what to say of it."""
    if not given:
        return None, ""
    comments = list(dict.fromkeys(one.comment for one in given if one.comment))
    statuses = list(dict.fromkeys(one.status for one in given if one.status != UNSEEN))
    latest = max(given, key=lambda one: one.when)
    if len(statuses) < 2:
        status = statuses[0] if statuses else UNSEEN
        comment = "; ".join(comments)
        return replace(latest, status=status, comment=comment, pixels=pixels), ""
    said = f"merged from {listed(statuses, len(statuses))}"
    comment = "; ".join([said, *comments])
    verdict = Verdict(UNDECIDED, comment, user_name(), now(), pixels)
    return verdict, " Their verdicts differ, so it is undecided: decide again."


def _with_verdicts(
    book: VerdictBook, edits: GrainEdits, touched: Pixels, new: Iterable[Verdict]
) -> VerdictBook:
    """The book with new edits; verdicts that lie mostly in edited pixels are replaced."""
    inside = np.zeros(book.shape[0] * book.shape[1], dtype=bool)
    inside[touched] = True
    kept = tuple(
        one for one in book.verdicts if 2 * np.count_nonzero(inside[one.pixels]) <= one.pixels.size
    )
    return replace(book, verdicts=(*kept, *new), edits=edits)


def _in_pieces(grains: GrainMap, pixels: Pixels) -> str:
    """Words for a grain that does not hold together."""
    mask = np.zeros(grains.labels.shape, dtype=bool)
    mask.reshape(-1)[pixels] = True
    count = int(label_areas(mask).max(initial=0))
    return f", in {count} pieces that do not touch" if count > 1 else ""
