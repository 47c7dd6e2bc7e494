"""One statistic from the answers of all heads, each trusted as far as this scan justifies.

No head is right on every scan. Where noise hides what is odd, RX of the whole scan only ranks
noise; where rare minerals form large crystals, surroundings only rank their borders. Two signs tell
this on the scan itself, without any truth.

*Excess.* A head that finds something has more pixels far out than the tail of its own background
foretells. The evidence for a pixel of rank r among n is ``log(r / n) - log(p)``, with p its tail
probability by `results.calibration`: a head whose tail is only noise gives evidence 0. This is the
logarithm of a false discovery rate (Benjamini and Hochberg 1995; Efron 2010, Large-Scale Inference,
ch. 2).

*Coherence.* Grains are compact and larger than a pixel, or blurred by the beam. Noise and spikes
are single pixels. So the excess is trusted by how often a pixel of it has another one beside it.
The beam average turns a spike into a cross; the one head without that average tells which pixels
are spikes, and what stands around them does not count as coherent.

Evidence is added as far as it is trusted. Ranks are added too, because rare minerals of 1 % and
more of a scan become part of the tail and leave no excess. In that sum a head weighs by how
coherent its oddest hundredth is, at distances that no averaging spans, and by the trust in its
excess; an excess of a few pixels does not say that the other ranks of that head are right, so that
this trust grows with the size of the excess.

The sigmas follow the order of that sum. The scale of its tail is not fitted, because what is odd
would stretch it. It is 1, that of the mean surprise where all heads give every pixel the same rank;
where they disagree the tail is shorter. So a network of another seed, or a missing pixel, moves the
sigmas little. A second tail keeps what only differs from its surroundings below what such pixels do
anyway.

The rule and its constants were chosen on the development scenes of docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from napari_mineral_anomaly.detectors.heads.questions import AVERAGED, CELLS, SURROUNDINGS
from napari_mineral_anomaly.detectors.results.calibration import (
    background_sigmas,
    calibrate,
    ordinary_calibration,
)

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# A pixel belongs to the excess of a head when its evidence is above one of these limits (nats). The
# trust is their mean: at one limit alone it jumps when a few pixels cross it.
EXCESSES = (0.5, 1.0, 2.0)
# (distance in px, share of neighbours by chance, range over which trust rises from 0 to 1). The
# beam average makes direct neighbours alike, so averaged heads are judged at two pixels.
AVERAGED_NEIGHBOURS = (2, 0.03, 0.12)
SINGLE_NEIGHBOURS = (1, 0.05, 0.25)
# A spike is among this share of the oddest pixels of the head without average, while none of its
# four neighbours is among the second, larger share.
SPIKE_SHARE, BESIDE_SPIKE_SHARE = 3e-3, 0.02
ODDEST_SHARE = 0.01
ODDEST_DISTANCES = (3, 4)
# The trust in an excess counts in full for the ranks where the excess is this share of the scan.
FULL_EXCESS = 2e-3
# What a nat of trusted evidence adds. More than so many nats say nothing more about a pixel.
EVIDENCE_WEIGHT, MOST_EVIDENCE = 0.4, 10.0
# The tail of the joined statistic starts at its 99th percentile. The scale is that of the mean
# surprise of ranks where all heads give every pixel the same rank.
JOINED_TAIL, JOINED_SCALE = 0.01, 1.0
# Share of a scan that may be odd by each other question than that of the surroundings.
ODD_SHARE = 0.02
# Pixels whose numbers are held in double precision at a time.
BLOCK_PIXELS = 200_000


@dataclass(frozen=True, eq=False)
class JoinedAnswers:
    """The joined statistic, and what it was made of.

    Attributes
    ----------
    statistic : (H, W) float64
        Larger = odder, 0 outside the valid area.
    found_by : (H, W) uint8
        1 + position of the head that adds most to a pixel; 0 outside the valid area.
    heads : tuple of str
    score : (H, W) float32
        The statistic in background sigmas; NaN outside the valid area.
    tail : dict
        The tail that was fitted, for run.json.
    trust : mapping of str to float
        From 0 to 1: how far the excess of each head is trusted.
    weights : mapping of str to float
        Weight of each head's ranks; their mean is 1.
    """

    statistic: Doubles
    found_by: NDArray[np.uint8]
    heads: tuple[str, ...]
    score: NDArray[np.float32]
    tail: dict[str, Any]
    trust: Mapping[str, float]
    weights: Mapping[str, float]


def join_answers(
    answers: Mapping[str, NDArray[np.floating]], valid: NDArray[np.bool_]
) -> JoinedAnswers:
    """Join the statistics of several heads.

    The statistic of a pixel, in nats, is the mean over heads of ``weight * -log(r / n)`` plus
    `EVIDENCE_WEIGHT` times the sum over heads of ``trust * min(evidence, MOST_EVIDENCE)``.

    Parameters
    ----------
    answers : mapping of str to (H, W) float
        Statistic of each head, larger = odder, finite inside ``valid``.
    valid : (H, W) bool

    Raises
    ------
    InputError
        When no pixel is valid.
    """
    heads = tuple(answers)
    n = int(np.count_nonzero(valid))
    ordinary = np.ones(n, dtype=bool)
    spikes = around_spikes(answers[CELLS], valid) if CELLS in answers else np.zeros_like(valid)
    ranks: list[NDArray[np.int32]] = []
    evidence: list[Floats] = []
    trust, weights = np.zeros(len(heads)), np.zeros(len(heads))
    for k, name in enumerate(heads):
        sigmas = background_sigmas(answers[name], valid)[0][valid]
        rank, of_rank = ranks_and_evidence(sigmas)
        if name != SURROUNDINGS:
            ordinary &= rank > ODD_SHARE * n
        ranks.append(rank)
        evidence.append(of_rank)
        # Evidence never rises with the rank.
        found = [rank <= np.count_nonzero(of_rank > limit) for limit in EXCESSES]
        trust[k] = np.mean([_trust(_mapped(one, valid), name, spikes) for one in found])
        size = np.mean([min(1.0, one.mean() / FULL_EXCESS) for one in found])
        oddest = _mapped(_surprise(rank, n) >= -np.log(ODDEST_SHARE), valid)
        coherence = np.mean([neighbour_share(oddest, px) for px in ODDEST_DISTANCES])
        weights[k] = trust[k] * size + coherence
    # Where no head is coherent at all, all count alike.
    weights = weights / weights.mean() if weights.any() else np.ones(len(heads))
    total, most = np.empty(n), np.empty(n, dtype=np.uint8)
    for start in range(0, n, BLOCK_PIXELS):
        part = slice(start, start + BLOCK_PIXELS)
        shares = np.stack(
            [
                EVIDENCE_WEIGHT * trust[k] * _of_rank(evidence[k], rank[part])
                + weights[k] * _surprise(rank[part], n) / len(heads)
                for k, rank in enumerate(ranks)
            ]
        )
        total[part] = shares.sum(axis=0)
        most[part] = 1 + shares.argmax(axis=0)
    del ranks, evidence
    joined, tail = _joined_sigmas(total, ordinary if heads != (SURROUNDINGS,) else None)
    score = np.full(valid.shape, np.nan, dtype=np.float32)
    score[valid] = joined
    found_by = np.zeros(valid.shape, dtype=np.uint8)
    found_by[valid] = most
    statistic = np.zeros(valid.shape)
    statistic[valid] = total
    return JoinedAnswers(
        statistic,
        found_by,
        heads,
        score,
        tail,
        dict(zip(heads, trust.tolist(), strict=True)),
        dict(zip(heads, weights.tolist(), strict=True)),
    )


def _joined_sigmas(
    statistic: Doubles, ordinary: NDArray[np.bool_] | None
) -> tuple[Floats, dict[str, Any]]:
    """Background sigmas (n,) of the joined statistic (n,), by the more cautious of two tails.

    One is that of `JOINED_SCALE`. Small grains of a common mineral inside another are far from
    their surroundings without being odd. The second tail is therefore that of the ``ordinary``
    pixels (n,), which no other question finds odd, as in local RX (`statistical.local_rx`): what
    only differs from its surroundings must differ more than those do.
    """
    body = calibrate(statistic, JOINED_TAIL)
    if body is None:
        return np.zeros(len(statistic), dtype=np.float32), {}
    known = replace(body, tail=replace(body.tail, scale=JOINED_SCALE))
    cautious = known
    if ordinary is not None and ordinary.any():
        cautious = ordinary_calibration(statistic, ordinary) or known
    out = np.empty(len(statistic), dtype=np.float32)
    for start in range(0, len(statistic), BLOCK_PIXELS):
        part = slice(start, start + BLOCK_PIXELS)
        out[part] = np.minimum(known.sigmas(statistic[part]), cautious.sigmas(statistic[part]))
    return out, known.info()


def ranks_and_evidence(sigmas: Floats) -> tuple[NDArray[np.int32], Floats]:
    """Rank (n,) of each pixel, 1 the oddest, and the evidence for each rank (m,), m <= n.

    Evidence is by how much the logarithm of the tail probability falls below ``log(r / n)``. It
    never rises with the rank r, so that each head keeps its order, and is 0 beyond rank m. Equal
    values share the lowest of their ranks, as a test at that value would.
    """
    n = len(sigmas)
    order = np.argsort(sigmas)
    ordered = sigmas[order]
    # How many pixels are at least as odd.
    ranks = (n - _first_of_equals(ordered)).astype(np.int32)
    out = np.empty(n, dtype=np.int32)
    out[order] = ranks
    del order
    # From the oddest pixel on, in blocks: beyond the rank without evidence there is none.
    found: list[Floats] = []
    least = np.inf
    for stop in range(n, 0, -BLOCK_PIXELS):
        part = slice(max(0, stop - BLOCK_PIXELS), stop)
        values = ordered[part][::-1].astype(np.float64)
        excess = -special.log_ndtr(-values) + np.log(ranks[part][::-1] / n)
        excess = np.minimum(np.minimum.accumulate(excess), least)
        least = excess[-1]
        positive = excess > 0
        found.append(excess[positive].astype(np.float32))
        if not positive.all():
            break
    return out, np.concatenate(found)


def _of_rank(evidence: Floats, ranks: NDArray[np.int32]) -> Doubles:
    """Evidence of pixels from that of each rank, at most `MOST_EVIDENCE`."""
    out = np.zeros(len(ranks))
    some = ranks <= len(evidence)
    out[some] = np.minimum(evidence[ranks[some] - 1], MOST_EVIDENCE)
    return out


def _surprise(ranks: NDArray[np.int32], n: int) -> Doubles:
    return np.asarray(-np.log((ranks - 0.5) / n))


def _first_of_equals(ordered: NDArray[np.floating]) -> NDArray[np.int32]:
    """For each of some ordered numbers, the position of the first that equals it."""
    out = np.arange(len(ordered), dtype=np.int32)
    out[1:][ordered[1:] == ordered[:-1]] = 0
    return np.maximum.accumulate(out, out=out)


def around_spikes(cells: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Spikes and their eight neighbours (H, W), by the answer of the head without average."""
    values = cells[valid]
    limits = np.quantile(values, (1.0 - SPIKE_SHARE, 1.0 - BESIDE_SPIKE_SHARE))
    odd, less_odd = (valid & (cells > limit) for limit in limits)
    cross = ndimage.generate_binary_structure(2, 1)
    beside = ndimage.convolve(less_odd.astype(np.uint8), cross.astype(np.uint8), mode="constant")
    square = np.ones((3, 3), dtype=bool)
    # The pixel itself is the one.
    return np.asarray(ndimage.binary_dilation(odd & (beside == 1), square))


def _trust(excess: NDArray[np.bool_], head: str, spikes: NDArray[np.bool_]) -> float:
    if head in AVERAGED:
        (distance, by_chance, span), compact = AVERAGED_NEIGHBOURS, excess & ~spikes
    else:
        (distance, by_chance, span), compact = SINGLE_NEIGHBOURS, excess
    share = neighbour_share(compact, distance, of=int(np.count_nonzero(excess)))
    return float(np.clip((share - by_chance) / span, 0.0, 1.0))


def neighbour_share(mask: NDArray[np.bool_], distance: int, of: int | None = None) -> float:
    """How often a pixel of a mask (H, W) has another one so many pixels right of or below it.

    Given ``of``, the share is of so many pixels.
    """
    n = int(np.count_nonzero(mask)) if of is None else of
    if n == 0:
        return 0.0
    below = np.count_nonzero(mask[distance:] & mask[:-distance])
    right = np.count_nonzero(mask[:, distance:] & mask[:, :-distance])
    return float((below + right) / (2 * n))


def _mapped(values: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(valid.shape, dtype=bool)
    out[valid] = values
    return out
