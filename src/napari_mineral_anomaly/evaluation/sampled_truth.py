"""How good a list of grains is when there is no truth mask: estimated from a checked sample.

The list is divided by rank into three strata: its first fifth ("top"), the next two fifths
("middle") and the rest ("random"). Grains are drawn at random within each stratum. The share of
true grains in the whole list is the mean of the strata's shares, weighted by their sizes. Its
interval is the stratified Wilson interval (Yan & Su 2010, Stat. Biopharm. Res. 2, 329) with the
finite-population correction: a stratum of which every grain was checked is known, not estimated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.intervals import Z_95, Interval, wilson, wilson_limits
from napari_mineral_anomaly.io.writing.atomic import atomic_path

STRATA = ("top", "middle", "random")
STRATUM_SHARES = (0.2, 0.4, 0.4)
# How the sample is divided among them. Where a stratum has too few grains, the others get more.
SAMPLE_SHARES = (0.4, 0.3, 0.3)
ANSWERS = ("", "true", "false", "unsure")

SCHEMA_VERSION = 1

SAMPLE_COLUMNS = ("id", "rank", "peak_score", "stratum", "order", "verdict")

_NO_RECALL = (
    "Recall cannot be read from the list: grains that the detector missed are not in it. Give the "
    "numbers of known true grains that the list holds and lacks (for example from a SEM traverse) "
    "for an estimate."
)
_RECALL = (
    "Recall is estimated from the known grains only; it holds for the whole section only if they "
    "were found without looking at the score map."
)


@dataclass(frozen=True, eq=False)
class SampledEstimate:
    """Estimates for the whole list, from the checked grains.

    Attributes
    ----------
    precision : Interval
        Share of true grains in the list with its 95 % interval, over the strata of which a grain
        has been checked; ``n`` and ``n_true`` count checked grains.
    per_stratum : DataFrame
        stratum, n_grains, n_checked, n_true, precision, low, high.
    recall : Interval or None
    caveat : str
        What these numbers do not cover, as a sentence.
    """

    precision: Interval
    per_stratum: pd.DataFrame
    recall: Interval | None
    caveat: str


@dataclass(frozen=True, eq=False)
class SampledTruth:
    """A drawn sample of grains and the answers so far; a frozen value.

    Attributes
    ----------
    table : DataFrame
        Columns `SAMPLE_COLUMNS`, in the order in which to check the grains. They are shuffled, so
        that a user who stops early has seen grains of all strata. ``verdict`` is one of `ANSWERS`.
    strata : mapping of str to int
        Grains of the list in each stratum.
    seed : int
    """

    table: pd.DataFrame
    strata: Mapping[str, int]
    seed: int

    def answer(self, grain_id: int, verdict: str) -> SampledTruth:
        """The sample after one more answer; the answer "" takes an earlier one back.

        Raises
        ------
        InputError
            For a grain outside the sample or an unknown answer.
        """
        if verdict not in ANSWERS:
            raise InputError(f"An answer is true, false or unsure; got {verdict!r}.")
        here = self.table["id"] == grain_id
        if not here.any():
            raise InputError(f"Grain {grain_id} is not in the sample.")
        table = self.table.copy()
        table.loc[here, "verdict"] = verdict
        return replace(self, table=table)

    def next_unanswered(self) -> int | None:
        """Number of the next grain to check, None when all are answered."""
        left = self.table.loc[self.table["verdict"] == "", "id"]
        return None if left.empty else int(left.iloc[0])

    @property
    def n_answered(self) -> int:
        """How many grains have an answer, unsure ones included."""
        return int((self.table["verdict"] != "").sum())

    def estimate(self, *, known: tuple[int, int] | None = None) -> SampledEstimate:
        """Precision of the whole list, and recall where known grains are given.

        Parameters
        ----------
        known : (int, int), optional
            Numbers of known true grains in the list and not in the list.
        """
        rows, limits = [], []
        for stratum, size in self.strata.items():
            verdicts = self.table.loc[self.table["stratum"] == stratum, "verdict"]
            n_true, n = int((verdicts == "true").sum()), int(verdicts.isin(["true", "false"]).sum())
            low, high = _limits(n_true, n, size, Z_95)
            share = n_true / n if n else np.nan
            rows.append((stratum, size, n, n_true, share, low, high))
            if n:
                limits.append((n_true, n, size))
        columns = ["stratum", "n_grains", "n_checked", "n_true", "precision", "low", "high"]
        recall = None if known is None else wilson(known[0], sum(known))
        return SampledEstimate(
            precision=_stratified_wilson(limits),
            per_stratum=pd.DataFrame(rows, columns=columns),
            recall=recall,
            caveat=self._caveat(recall),
        )

    def _caveat(self, recall: Interval | None) -> str:
        decided = self.table[self.table["verdict"].isin(["true", "false"])]
        parts = []
        unseen = [
            name for name, n in self.strata.items() if n and name not in set(decided["stratum"])
        ]
        if unseen:
            parts.append(f"No grain of the stratum {' and '.join(unseen)} has been checked yet.")
        unsure = int((self.table["verdict"] == "unsure").sum())
        if unsure:
            parts.append(f"{unsure} unsure answers are left out.")
        parts.append(_NO_RECALL if recall is None else _RECALL)
        return " ".join(parts)


def draw_sample(table: pd.DataFrame, *, n: int = 30, seed: int = 0) -> SampledTruth:
    """Draw grains to check.

    Parameters
    ----------
    table : DataFrame
        As `grains.table.find_grains` gives it.
    n : int
        Number of grains to draw; all grains where the list is shorter.
    seed : int

    Raises
    ------
    InputError
        For an empty list, and for no grains to draw.
    """
    if table.empty:
        raise InputError("There is no grain to check: the list is empty at this threshold.")
    if n < 1:
        raise InputError("A sample needs at least one grain.")
    ranked = table.sort_values("rank")
    edges = np.ceil(np.cumsum((0.0, *STRATUM_SHARES)) * len(ranked) - 1e-9).astype(int)
    sizes = np.diff(edges)
    wanted = _allocate(min(n, len(ranked)), sizes)
    rng = np.random.default_rng(seed)
    parts = []
    for stratum, start, size, take in zip(STRATA, edges, sizes, wanted, strict=False):
        chosen = start + rng.choice(size, size=take, replace=False)
        parts.append(ranked.iloc[np.sort(chosen)].assign(stratum=stratum))
    drawn = pd.concat(parts)
    drawn = drawn.iloc[rng.permutation(len(drawn))].assign(verdict="")
    drawn["order"] = np.arange(1, len(drawn) + 1)
    strata = {name: int(size) for name, size in zip(STRATA, sizes, strict=True)}
    return SampledTruth(drawn[list(SAMPLE_COLUMNS)].reset_index(drop=True), strata, seed)


def _allocate(n: int, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many grains to draw of each stratum: by the shares, at most as many as there are."""
    take = np.zeros(3, dtype=np.int64)
    for _ in range(n):
        room = take < sizes
        # The stratum that is farthest below its share gets the next grain.
        lag = np.where(room, (take + 1) / np.array(SAMPLE_SHARES), np.inf)
        take[int(np.argmin(lag))] += 1
    return take


def _limits(n_true: int, n: int, size: int, z: float) -> tuple[float, float]:
    """Wilson limits of one stratum of ``size`` grains of which ``n`` were checked."""
    if n == 0:
        return 0.0, 1.0
    if n >= size:
        return n_true / n, n_true / n
    larger = n * (size - 1) / (size - n) if size > 1 else n
    return wilson_limits(n_true * larger / n, larger, z)


def _stratified_wilson(strata: list[tuple[int, int, int]]) -> Interval:
    """Weighted share of (n_true, n, size) with Yan & Su's interval; None without strata."""
    if not strata:
        return Interval(None, None, None, 0, 0)
    n_true, n, size = (np.array(column, dtype=float) for column in zip(*strata, strict=True))
    weight = size / size.sum()
    # Variances at Wilson's centre, so that a stratum with only true grains still has a spread.
    centre = (n_true + Z_95**2 / 2) / (n + Z_95**2)
    left = np.where(size > 1, (size - n) / np.maximum(size - 1, 1), 0.0)
    spread = weight * np.sqrt(centre * (1 - centre) / n * left)
    # The errors of the strata are independent, so the limits of each use a smaller z.
    z = Z_95 * float(np.sqrt(np.sum(spread**2)) / spread.sum()) if spread.sum() > 0 else 0.0
    limits = np.array([_limits(int(t), int(k), int(s), z) for t, k, s in strata])
    return Interval(
        value=float(np.sum(weight * n_true / n)),
        low=float(np.sum(weight * limits[:, 0])),
        high=float(np.sum(weight * limits[:, 1])),
        n=int(n.sum()),
        n_true=int(n_true.sum()),
    )


def save_sample(path: str | Path, sample: SampledTruth) -> None:
    """Write a sample with its answers as JSON; InputError where it cannot be written."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "kind": "sampled truth",
        "seed": sample.seed,
        "strata": dict(sample.strata),
        "grains": sample.table.to_dict("records"),
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def load_sample(path: str | Path) -> SampledTruth:
    """Read what `save_sample` wrote.

    Raises
    ------
    InputError
        When the file cannot be read or holds something else.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not a sample of grains: {error}.") from error
    if not isinstance(content, dict) or content.get("kind") != "sampled truth":
        raise InputError(f"{path.name} holds no sample of grains.")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path.name} has version {content.get('schema_version')}; "
            f"this program reads {SCHEMA_VERSION}."
        )
    try:
        table = pd.DataFrame(content["grains"])[list(SAMPLE_COLUMNS)]
        strata = {str(name): int(size) for name, size in content["strata"].items()}
        sample = SampledTruth(table, strata, int(content["seed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path.name} is damaged: {error}.") from error
    if not set(table["verdict"]) <= set(ANSWERS):
        raise InputError(f"{path.name} holds answers other than true, false and unsure.")
    return sample
