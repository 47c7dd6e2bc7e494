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

Evidence is added as far as it is trusted. Ranks are added too, because rare minerals of 1 % and
more of a scan become part of the tail and leave no excess. In that sum a head weighs by how
coherent its oddest hundredth is, at distances that no averaging spans, and by the trust in its
excess; an excess of a few pixels does not say that the other ranks of that head are right, so that
this trust grows with the size of the excess.

The rule and its constants were chosen on the development scenes of docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from napari_mineral_anomaly.detectors.heads.questions import AVERAGED, NETWORK, SURROUNDINGS
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas, calibrate

Doubles = NDArray[np.float64]

# A pixel belongs to the excess of a head when it is e times odder than the background foretells.
EXCESS = 1.0
# (distance in px, share of neighbours by chance, range over which trust rises from 0 to 1). The
# beam average makes direct neighbours alike, so averaged heads are judged at two pixels.
AVERAGED_NEIGHBOURS = (2, 0.03, 0.12)
SINGLE_NEIGHBOURS = (1, 0.05, 0.25)
ODDEST_SHARE = 0.01
ODDEST_DISTANCES = (3, 4)
# The trust in an excess counts in full for the ranks where the excess is this share of the scan.
FULL_EXCESS = 2e-3
# The tail of the joined statistic starts at its 99th percentile, its upper half censored.
JOINED_TAIL, JOINED_CENSORED = 0.01, 0.005
# Share of a scan that may be odd by other questions than that of the surroundings.
ODD_SHARE = 0.02


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

    The statistic of a pixel is the sum over heads of ``trust * evidence + weight * -log(r / n)``.

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
    alone = np.full(n, -np.inf)
    surprise = np.empty((len(heads), n))
    evidence = np.empty((len(heads), n))
    trust, weights = np.zeros(len(heads)), np.zeros(len(heads))
    for k, name in enumerate(heads):
        sigmas, _ = background_sigmas(np.asarray(answers[name], dtype=np.float64), valid)
        surprise[k], evidence[k] = _surprise_and_evidence(sigmas[valid].astype(np.float64))
        if name == NETWORK:
            alone = sigmas[valid].astype(np.float64)
        excess = evidence[k] > EXCESS
        trust[k] = _trust(_mapped(excess, valid), name in AVERAGED)
        oddest = _mapped(surprise[k] >= -np.log(ODDEST_SHARE), valid)
        coherence = np.mean([neighbour_share(oddest, px) for px in ODDEST_DISTANCES])
        weights[k] = trust[k] * min(1.0, excess.mean() / FULL_EXCESS) + coherence
    # Where no head is coherent at all, all count alike.
    weights = weights / weights.mean() if weights.any() else np.ones(len(heads))
    evidence *= trust[:, None]
    evidence += surprise * weights[:, None]
    statistic, found_by = np.zeros(valid.shape), np.zeros(valid.shape, dtype=np.uint8)
    statistic[valid] = evidence.sum(axis=0)
    found_by[valid] = 1 + evidence.argmax(axis=0)
    return JoinedAnswers(
        statistic,
        found_by,
        heads,
        *_joined_sigmas(statistic, answers, alone, valid),
        dict(zip(heads, trust.tolist(), strict=True)),
        dict(zip(heads, weights.tolist(), strict=True)),
    )


def _joined_sigmas(
    statistic: Doubles,
    answers: Mapping[str, NDArray[np.floating]],
    alone: Doubles,
    valid: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Background sigmas of the joined statistic, by the more cautious of two tails.

    The joined statistic decides the order, and the network must not lose what it promises
    ``alone`` (n,): the sigmas that are given out in that order are the larger ones of both. So at
    least as many pixels reach a threshold as by the network alone.

    One tail is that of all pixels. Small grains of a common mineral inside another are far from
    their surroundings without being odd. The second tail is therefore that of the pixels that no
    other question finds odd, as in local RX (`statistical.local_rx`): what only differs from its
    surroundings must differ more than those do.
    """
    out = np.full(valid.shape, np.nan, dtype=np.float32)
    fitted = calibrate(statistic[valid], JOINED_TAIL, JOINED_CENSORED)
    if fitted is None:
        out[valid] = 0.0
        return out, {}
    score = fitted.sigmas(statistic[valid])
    others = [values[valid] for name, values in answers.items() if name != SURROUNDINGS]
    ordinary = valid.copy()
    for values in others:
        ordinary[valid] &= values <= np.quantile(values, 1.0 - ODD_SHARE)
    cautious, _ = background_sigmas(statistic, valid, ordinary if ordinary.any() else None)
    given = np.sort(np.maximum(np.minimum(score, cautious[valid]), alone))
    values = statistic[valid]
    # Equal statistics get the lowest of the sigmas that fall to them.
    out[valid] = given[np.searchsorted(np.sort(values), values, side="left")]
    return out, fitted.info()


def _surprise_and_evidence(sigmas: Doubles) -> tuple[Doubles, Doubles]:
    """``-log(r / n)`` by rank, and by how much the tail probability falls below ``r / n``.

    Evidence never rises with the rank, so that each head keeps its order. Equal values share the
    lowest of their ranks, as a test at that value would.
    """
    n = len(sigmas)
    # How many pixels are at least as odd.
    rank = n - np.searchsorted(np.sort(sigmas), sigmas, side="left")
    surprise = -np.log((rank - 0.5) / n)
    excess = -special.log_ndtr(-sigmas) + np.log(rank / n)
    order = np.argsort(rank, kind="stable")
    evidence = np.empty(n)
    evidence[order] = np.minimum.accumulate(excess[order])
    return surprise, np.maximum(evidence, 0.0)


def _trust(excess: NDArray[np.bool_], averaged: bool) -> float:
    distance, by_chance, span = AVERAGED_NEIGHBOURS if averaged else SINGLE_NEIGHBOURS
    return float(np.clip((neighbour_share(excess, distance) - by_chance) / span, 0.0, 1.0))


def neighbour_share(mask: NDArray[np.bool_], distance: int) -> float:
    """How often a pixel of a mask (H, W) has another one so many pixels right of or below it."""
    n = int(np.count_nonzero(mask))
    if n == 0:
        return 0.0
    below = np.count_nonzero(mask[distance:] & mask[:-distance])
    right = np.count_nonzero(mask[:, distance:] & mask[:, :-distance])
    return float((below + right) / (2 * n))


def _mapped(values: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(valid.shape, dtype=bool)
    out[valid] = values
    return out
