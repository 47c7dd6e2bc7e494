"""Whose turn is it? Rows below the threshold, from the score and from proposals.

A detector that joins several questions also proposes places that one question alone finds odd
(`detectors.heads.proposals`). Below the threshold the first rows follow the score, because they are
what the detector is surest of. After them two proposals and two rows of the score take turns.

The numbers were chosen on the drawn sections and the minerals planted into real scans of the
development part of docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Iterable

FIRST_BY_SCORE, BY_SCORE, PROPOSED = 10, 2, 2


def take_turns(
    by_score: Iterable[int], proposed: Iterable[int], n_rows: int
) -> list[tuple[int, bool]]:
    """The first ``n_rows`` of two rankings in turn, each item once, and whether it was proposed.

    Where one ranking has no more, the other goes on.
    """
    rows: dict[int, bool] = {}
    rankings = (iter(by_score), iter(proposed))
    turns = (FIRST_BY_SCORE, PROPOSED)
    n_before = -1
    while n_before < len(rows) < n_rows:
        n_before = len(rows)
        for is_proposed, (ranking, n) in enumerate(zip(rankings, turns, strict=True)):
            for _ in range(min(n, n_rows - len(rows))):
                item = next((item for item in ranking if item not in rows), None)
                if item is not None:
                    rows[item] = bool(is_proposed)
        turns = (BY_SCORE, PROPOSED)
    return list(rows.items())
