"""What the user decided about grains, stored by position so that it holds at another threshold."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly import words
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import UNSEEN
from napari_mineral_anomaly.grains.pixels.edits import NO_EDITS, GrainEdits
from napari_mineral_anomaly.grains.pixels.regions import PixelSets

STATUSES = (UNSEEN, "accept", "reject", "undecided", "SEM-true", "SEM-false")

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Verdict:
    """One decision about one grain.

    Attributes
    ----------
    status : str
        One of `STATUSES`.
    comment, who, when : str
        ``when`` is ISO 8601 with the offset from UTC.
    pixels : (n,) int64
        The grain's pixels when it was judged: rising positions in the flattened map.
    """

    status: str
    comment: str
    who: str
    when: str
    pixels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VerdictBook:
    """All verdicts on one scan, and the edits of its grains; a value: `decide` returns a new book.

    Both are in one value, because an edit takes verdicts along: one undo takes both back.

    Attributes
    ----------
    shape : (int, int)
        (H, W) of the scan.
    verdicts : tuple of Verdict
        The oldest first.
    edits : GrainEdits
        Grains that were merged, split or redrawn.
    """

    shape: tuple[int, int]
    verdicts: tuple[Verdict, ...] = ()
    edits: GrainEdits = NO_EDITS

    def decide(
        self,
        labels: NDArray[Any],
        grain_ids: Iterable[int],
        *,
        status: str | None = None,
        comment: str | None = None,
        who: str | None = None,
        when: str | None = None,
        known: Mapping[int, Verdict] | None = None,
        pixels: PixelSets | None = None,
    ) -> VerdictBook:
        """The book after a decision about some grains.

        Parameters
        ----------
        labels : (H, W)
            The grains as they are now (`label_grains`).
        grain_ids : iterable of int
        status, comment : str, optional
            None keeps what the grain had.
        who, when : str, optional
            Default: the name of the computer's user, and now.
        known : mapping of int to Verdict, optional
            ``self.of_grains(labels)``, if the caller has it.
        pixels : PixelSets, optional
            ``PixelSets.of_labels(labels)``, if the caller has it. With both, the time for a
            decision does not depend on the number of other grains.

        Returns
        -------
        VerdictBook
            The new verdicts are its last, in the order of ``grain_ids``.

        Raises
        ------
        InputError
            For an unknown status, a grain that does not exist, labels of another size.
        """
        if status is not None and status not in STATUSES:
            raise InputError(f"A verdict is one of {', '.join(STATUSES)}; got {status!r}.")
        known = self.of_grains(labels) if known is None else known
        pixels = PixelSets.of_labels(labels) if pixels is None else pixels
        who = user_name() if who is None else who
        when = now() if when is None else when
        replaced: set[int] = set()
        made = []
        for grain in grain_ids:
            where = pixels.of(int(grain) - 1) if 1 <= grain <= pixels.n_grains else pixels.pixel[:0]
            if not where.size:
                raise InputError(f"There is no grain {grain} at this threshold.")
            before = known.get(int(grain))
            if before is not None:
                replaced.add(id(before))
            made.append(
                Verdict(
                    status=status or (before.status if before else UNSEEN),
                    comment=comment if comment is not None else (before.comment if before else ""),
                    who=who,
                    when=when,
                    pixels=where,
                )
            )
        # Only the grain's own verdict is replaced. A verdict on a smaller grain inside it stays,
        # for the threshold at which it was made.
        kept = tuple(verdict for verdict in self.verdicts if id(verdict) not in replaced)
        return replace(self, verdicts=(*kept, *made))

    def of_grains(self, labels: NDArray[Any]) -> dict[int, Verdict]:
        """The verdict of each grain that has one, by the grain's number in ``labels`` (H, W).

        A verdict belongs to the grain that holds most of its pixels. Where one grain has several
        verdicts, because a lower threshold joined their grains, the one that covers most of the
        grain counts; of equals, the latest.
        """
        if labels.shape != self.shape:
            raise InputError(
                f"These verdicts belong to a scan of {words.sizes(self.shape)} pixels, "
                f"not {words.sizes(labels.shape)}."
            )
        if not self.verdicts:
            return {}
        # All verdicts at once: with thousands of them, a loop would block the window.
        owner = np.repeat(np.arange(len(self.verdicts)), [v.pixels.size for v in self.verdicts])
        hit = labels.reshape(-1)[np.concatenate([v.pixels for v in self.verdicts])].astype(np.int64)
        # Verdict and grain as one number, because numpy sorts numbers much faster than pairs.
        n_labels = int(hit.max(initial=0)) + 1
        pairs, overlap = np.unique(owner[hit > 0] * n_labels + hit[hit > 0], return_counts=True)
        verdict, grain = np.divmod(pairs, n_labels)
        # First of each verdict after sorting: the largest overlap; of equals, the first grain.
        order = np.lexsort((grain, -overlap, verdict))
        order = order[np.unique(verdict[order], return_index=True)[1]]
        # Then the last of each grain: the largest overlap; of equals, the latest verdict.
        order = order[np.lexsort((verdict[order], overlap[order]))]
        return {int(grain[k]): self.verdicts[verdict[k]] for k in order}


def with_verdicts(table: pd.DataFrame, book: VerdictBook, labels: NDArray[Any]) -> pd.DataFrame:
    """The grain table with status, comment, decided_by and decided_at of the book filled in."""
    found = book.of_grains(labels)
    ids = table["id"].tolist()
    out = table.copy()
    out["status"] = [found[i].status if i in found else UNSEEN for i in ids]
    for column, name in (("comment", "comment"), ("decided_by", "who"), ("decided_at", "when")):
        out[column] = [str(getattr(found[i], name)) if i in found else "" for i in ids]
    return out


@dataclass(frozen=True)
class History(Generic[Value]):
    """States of a value with undo and redo; itself a value.

    Attributes
    ----------
    present : the value now
    past, future : tuple of (text, value)
        Steps that can be undone and redone, the nearest last; ``text`` says what a step did.
    """

    present: Value
    past: tuple[tuple[str, Value], ...] = ()
    future: tuple[tuple[str, Value], ...] = ()

    def push(self, value: Value, text: str) -> History[Value]:
        """The history after a new step, which ends the steps that could be redone."""
        return History(value, (*self.past, (text, self.present)))

    def undo(self) -> History[Value]:
        """The history one step back; unchanged where there is none."""
        if not self.past:
            return self
        text, value = self.past[-1]
        return History(value, self.past[:-1], (*self.future, (text, self.present)))

    def redo(self) -> History[Value]:
        """The history one step forward; unchanged where there is none."""
        if not self.future:
            return self
        text, value = self.future[-1]
        return History(value, (*self.past, (text, self.present)), self.future[:-1])

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self.past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self.future)

    @property
    def undo_text(self) -> str:
        """The step that the next undo takes back; empty where there is none."""
        return self.past[-1][0] if self.past else ""

    @property
    def redo_text(self) -> str:
        """The step that the next redo repeats; empty where there is none."""
        return self.future[-1][0] if self.future else ""


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def user_name() -> str:
    """The login name of the computer's user; empty where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
