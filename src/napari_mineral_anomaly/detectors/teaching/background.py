"""The taught background: what is ordinary in a scan, and the signatures that a person added."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_mineral_anomaly.detectors.teaching.mixtures import (
    Floats,
    Noise,
    Signature,
    unexplained,
)
from napari_mineral_anomaly.scan.robust import thinned
from napari_mineral_anomaly.scan.transforms import AppliedTransform, stabilise

# Kinds of ordinary pixels, and the pixels that they are learned from.
KINDS, HOST_KINDS, ENOUGH_PIXELS = 24, 3, 20_000
ROUNDS = 20
# At most so many signatures, and at least so many pixels for each.
MOST_SIGNATURES, PIXELS_A_SIGNATURE = 4, 12
# Of the pixels of a signature, the odder half: the others lie at edges.
PURE_SHARE, LEAST_PURE = 0.5, 3
# Spread of the composition of a mineral. Chosen on the development seeds of benchmarks/teaching.py.
CHEMISTRY = 0.15


@dataclass(frozen=True, eq=False)
class TaughtBackground:
    """Kinds of ordinary pixels of a scan, and what was taught to be ordinary.

    Attributes
    ----------
    elements : tuple of str
        The K elements that vary.
    kinds : (B, K) float32
        In the units of the maps.
    signatures : tuple of Signature
    noise : Noise
    """

    elements: tuple[str, ...]
    kinds: Floats
    signatures: tuple[Signature, ...]
    noise: Noise

    def distance(self, pixels: Floats) -> Floats:
        """Chi squared (n,) of pixels (n, K) around their best ordinary kind."""
        return unexplained(pixels, self.kinds, None, self.noise)

    def explained(self, pixels: Floats) -> tuple[Floats, Floats]:
        """What the taught signatures explain of some pixels, and what they leave.

        Parameters
        ----------
        pixels : (n, K) float32
            In the units of the maps.

        Returns
        -------
        gain, left : (n,) float32
            By how much chi squared falls, and what is left of it.
        """
        before = self.distance(pixels)
        left = before
        for signature in self.signatures:
            left = np.minimum(left, unexplained(pixels, self.kinds, signature, self.noise))
        return before - left, left


def learn_background(
    elements: tuple[str, ...],
    transform: AppliedTransform,
    ordinary: Floats,
    taught: Floats,
    host: Floats,
) -> TaughtBackground:
    """Learn the kinds of ordinary pixels and the taught signatures.

    Parameters
    ----------
    elements : tuple of str
    transform : {"none", "anscombe", "log1p"}
        What makes the noise of the maps alike at all levels.
    ordinary : (n, K) float32
        Pixels that the detector finds ordinary, without the taught ones.
    taught : (m, K) float32
        Pixels that a person calls ordinary; at least one.
    host : (h, K) float32
        Ordinary pixels around the taught ones; may be none.
    """
    sample = thinned(ordinary, ENOUGH_PIXELS)
    kinds, of_pixel = _kinds(sample, KINDS, transform)
    if len(host):
        # A rare host may be no kind of its own in the sample.
        kinds = np.concatenate([kinds, _kinds(host, HOST_KINDS, transform)[0]])
    if transform == "anscombe":
        noise = Noise(np.ones(len(elements), dtype=np.float32), 1.0, CHEMISTRY)
    else:
        spread = np.square(sample - kinds[of_pixel]).mean(axis=0)
        floor = 1e-6 * float(np.square(kinds).mean()) or 1e-12
        noise = Noise(np.maximum(spread, floor).astype(np.float32), 0.0, CHEMISTRY)
    background = TaughtBackground(elements, kinds, (), noise)
    distance = background.distance(taught)
    odd = distance > np.quantile(background.distance(sample), 0.99)
    if odd.any():
        # The brush also touches pixels beside the grain.
        taught, distance = taught[odd], distance[odd]
    signatures = _signatures(taught, distance, background, transform)
    return TaughtBackground(elements, kinds, signatures, noise)


def _signatures(
    taught: Floats, distance: Floats, background: TaughtBackground, transform: AppliedTransform
) -> tuple[Signature, ...]:
    n = int(np.clip(len(taught) // PIXELS_A_SIGNATURE, 1, MOST_SIGNATURES))
    kinds, of_pixel = _kinds(taught, n, transform)
    found = []
    for k in range(len(kinds)):
        own, how_odd = taught[of_pixel == k], distance[of_pixel == k]
        n_pure = max(LEAST_PURE, round(PURE_SHARE * len(own)))
        pure = own[np.argsort(-how_odd, kind="stable")[:n_pure]]
        found.append(_without_host(pure, background))
    return tuple(found)


def _without_host(pure: Floats, background: TaughtBackground) -> Signature:
    """What the mineral adds to its host: as much of an ordinary kind as fits is taken away."""
    mean = pure.mean(axis=0)
    variance = background.noise.variance(mean[None])[0] / len(pure)
    spare = mean + np.sqrt(variance)
    best, least = mean, np.inf
    for kind in background.kinds:
        there = kind > 3.0 * np.sqrt(variance)
        share = float(np.clip((spare[there] / kind[there]).min(initial=1.0), 0.0, 1.0))
        rest = np.maximum(mean - share * kind, 0.0)
        size = float((rest / np.sqrt(variance)).sum())
        if size < least:
            best, least = rest, size
    return Signature(best.astype(np.float32), variance.astype(np.float32))


def _kinds(pixels: Floats, n: int, transform: AppliedTransform) -> tuple[Floats, NDArray[np.intp]]:
    """At most ``n`` kinds of pixels: their means, and the kind of each pixel, counted from 0."""
    from scipy.cluster.vq import kmeans2

    stable = stabilise(pixels, transform)
    n = min(n, len(np.unique(stable, axis=0)))
    # One thread: several may add up in another order, and the same teaching must give the same.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a kind that became empty is no kind
        _, found = kmeans2(stable, n, iter=ROUNDS, minit="++", seed=0)
    names, of_pixel = np.unique(found, return_inverse=True)
    means = [pixels[of_pixel == k].mean(axis=0) for k in range(len(names))]
    return np.stack(means).astype(np.float32), of_pixel.astype(np.intp)
