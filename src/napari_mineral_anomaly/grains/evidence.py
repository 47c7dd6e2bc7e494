"""The evidence on one grain, for people to judge: elements, maps, spectra, minerals, flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.artefacts.flags import flag_sentence
from napari_mineral_anomaly.grains.details import GrainDetails
from napari_mineral_anomaly.grains.drivers import driving_contributions
from napari_mineral_anomaly.grains.minerals.hints import MineralHint
from napari_mineral_anomaly.grains.pixels.neighbours import ClusterShares
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS, GrainList, detail_grains, list_grains
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import robust_centre_and_sigma, thinned

Floats = NDArray[np.float64]

N_THUMBNAILS = 4
# A thumbnail shows this many pixels on each side of the grain.
THUMBNAIL_MARGIN_PX = 12
HISTOGRAM_BINS = 120
_SAMPLED_PIXELS = 200_000


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """The map of one element around a grain.

    Attributes
    ----------
    element : str
    image : (h, w) float32
        In the units of the maps; NaN outside the valid area.
    outline : (h, w) bool
        The pixels of the grain.
    rows, columns : slice
        Where in the scan.
    extent : (float, float, float, float)
        x_min, x_max, y_min, y_max of the outer pixel edges in µm, in px where the pixel size is
        unknown; the centre of the scan's first pixel is at 0.
    sigmas : float
        Excess of the grain over its ring; over the scan where there is no ring.
    """

    element: str
    image: NDArray[np.float32]
    outline: NDArray[np.bool_]
    rows: slice
    columns: slice
    extent: tuple[float, float, float, float]
    sigmas: float


@dataclass(frozen=True, eq=False)
class ScoreHistogram:
    """Where a grain stands among all valid pixels.

    Attributes
    ----------
    counts : (n,) int64
        Valid pixels per bin of the score.
    edges : (n + 1,) float64
        Background sigmas.
    threshold : float
    rank_share : float
        Share of the valid pixels with a higher score than the grain's peak.
    """

    counts: NDArray[np.int64]
    edges: Floats
    threshold: float
    rank_share: float


@dataclass(frozen=True, eq=False)
class GrainSpectrum:
    """Mean spectrum of a grain beside that of its ring, counts per pixel and channel (E,).

    ``energy_kev`` is None where the energy axis is unknown: then channels are all there is.
    """

    energy_kev: Floats | None
    grain: Floats
    ring: Floats
    n_grain_px: int


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one grain.

    Attributes
    ----------
    peak_score : float
        Background sigmas.
    elements : DataFrame
        One row per element, the largest excess or lack over the ring first (over the scan where
        there is no ring): element, grain_mean,
        grain_error, ring_mean, ring_error, scan_median, scan_sigma (units of the maps; errors are
        counting errors of the means, NaN where the maps are not counts), ring_sigmas (signed
        excess over the ring), scan_sigmas ((grain - median) / robust sigma of the scan),
        contribution (background sigmas, as in the drivers) and is_driver.
    thumbnails : tuple of Thumbnail
        Of the elements that drive the grain.
    histogram : ScoreHistogram
    minerals : tuple of MineralHint
    neighbours : ClusterShares
        Pseudo-label clusters around the grain and their shares.
    flags : tuple of str
    sentences : tuple of str
        The flags, and what is missing, in words.
    """

    peak_score: float
    elements: pd.DataFrame
    thumbnails: tuple[Thumbnail, ...]
    histogram: ScoreHistogram
    minerals: tuple[MineralHint, ...]
    neighbours: ClusterShares
    flags: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class EvidenceSource:
    """What `prepare_evidence` computes once; the evidence of any grain then takes milliseconds."""

    cube: ElementCube
    result: AnomalyResult
    grains: GrainList
    details: GrainDetails
    driving: NDArray[np.bool_]
    scan_sigma: Floats
    histogram_counts: NDArray[np.int64]
    histogram_edges: Floats
    sorted_scores: NDArray[np.float32]

    def of(self, grain_id: int) -> Evidence:
        """The evidence of one grain.

        Parameters
        ----------
        grain_id : int
            As in the column ``id`` of the grain table.

        Raises
        ------
        InputError
            When there is no such grain.
        """
        grain = self._number(grain_id)
        peak = float(self.result.score.reshape(-1)[self.grains.regions.pixels.of(grain)].max())
        elements = self._elements(grain)
        excess = dict(zip(elements["element"], self._excess(grain, elements), strict=True))
        names = elements["element"][elements["is_driver"]].tolist()[:N_THUMBNAILS]
        flags = self.details.flags[grain]
        sentences = [flag_sentence(flag) for flag in flags]
        if self.details.ring.size[grain] == 0:
            sentences.append(
                "There is no ordinary pixel near the grain to compare it with: other grains or the "
                "edge are too close."
            )
        if not flags:
            sentences.insert(0, "No artefact flag.")
        return Evidence(
            peak_score=peak,
            elements=elements,
            thumbnails=tuple(self._thumbnail(grain, name, float(excess[name])) for name in names),
            histogram=self._histogram(peak),
            minerals=self.details.hints.of(grain),
            neighbours=self.grains.neighbours[grain],
            flags=flags,
            sentences=tuple(sentences),
        )

    def spectrum(self, grain_id: int, *, task: Task = SILENT) -> GrainSpectrum | None:
        """Mean spectrum of a grain and of its ring; None where the scan has no spectra.

        May read from the file: run it in a job.
        """
        spectra = self.cube.spectra
        if spectra is None:
            return None
        grain = self._number(grain_id)
        means = []
        for pixels in (self.grains.regions.pixels.of(grain), self.details.ring.of(grain)):
            mask = np.zeros(self.cube.shape, dtype=bool)
            mask.reshape(-1)[pixels] = True
            total = np.asarray(spectra.spectrum_of(mask, task=task.quiet()), dtype=np.float64)
            means.append(total / max(pixels.size, 1))
        energy = spectra.energy
        channels = np.arange(means[0].size)
        return GrainSpectrum(
            energy_kev=None if energy is None else np.asarray(energy.channels_to_kev(channels)),
            grain=means[0],
            ring=means[1],
            n_grain_px=int(self.grains.regions.pixels.size[grain]),
        )

    def _number(self, grain_id: int) -> int:
        number = self.grains.number_of(grain_id)
        if number is None:
            n_grains = self.grains.regions.n_grains
            raise InputError(f"There is no grain {grain_id}; there are {n_grains}.")
        return number

    def _elements(self, grain: int) -> pd.DataFrame:
        signals = self.details.signals
        unknown = np.full(len(signals.elements), np.nan)
        mean, ring_mean = signals.mean[grain], signals.ring_mean[grain]
        n, n_ring = signals.n_pixels[grain], max(int(signals.n_ring[grain]), 1)
        counts = signals.is_counts
        table = pd.DataFrame(
            {
                "element": signals.elements,
                "grain_mean": mean,
                "grain_error": np.sqrt(np.maximum(mean, 0) / n) if counts else unknown,
                "ring_mean": ring_mean,
                "ring_error": np.sqrt(np.maximum(ring_mean, 0) / n_ring) if counts else unknown,
                "scan_median": signals.scan_median,
                "scan_sigma": self.scan_sigma,
                "ring_sigmas": signals.ring_sigmas[grain],
                "scan_sigmas": (mean - signals.scan_median) / self.scan_sigma,
                "contribution": self.grains.drivers[grain],
                "is_driver": self.driving[grain],
            }
        )
        order = np.argsort(-np.abs(self._excess(grain, table)), kind="stable")
        return table.iloc[order].reset_index(drop=True)

    def _excess(self, grain: int, elements: pd.DataFrame) -> Floats:
        """Excess over the ring in sigmas; over the scan where there is no ring."""
        has_ring = self.details.ring.size[grain] > 0
        return elements["ring_sigmas" if has_ring else "scan_sigmas"].to_numpy()

    def _thumbnail(self, grain: int, element: str, sigmas: float) -> Thumbnail:
        height, width = self.cube.shape
        regions = self.grains.regions
        row_min, row_max, col_min, col_max = (int(bound[grain]) for bound in regions.bounds)
        half = max(row_max - row_min, col_max - col_min) // 2 + THUMBNAIL_MARGIN_PX
        middle_y, middle_x = (row_min + row_max) // 2, (col_min + col_max) // 2
        rows = slice(max(0, middle_y - half), min(height, middle_y + half + 1))
        columns = slice(max(0, middle_x - half), min(width, middle_x + half + 1))
        c = self.cube.elements.index(element)
        image = np.asarray(self.cube.maps[c, rows, columns]).astype(np.float32)
        image[~self.cube.valid[rows, columns]] = np.nan
        step_y, step_x = self.result.pixel_size or (1.0, 1.0)
        return Thumbnail(
            element=element,
            image=image,
            outline=regions.labels[rows, columns] == grain + 1,
            rows=rows,
            columns=columns,
            extent=(
                (columns.start - 0.5) * step_x,
                (columns.stop - 0.5) * step_x,
                (rows.start - 0.5) * step_y,
                (rows.stop - 0.5) * step_y,
            ),
            sigmas=sigmas,
        )

    def _histogram(self, peak: float) -> ScoreHistogram:
        scores = self.sorted_scores
        above = scores.size - int(np.searchsorted(scores, np.float32(peak), side="right"))
        return ScoreHistogram(
            counts=self.histogram_counts,
            edges=self.histogram_edges,
            threshold=float(self.result.threshold),
            rank_share=above / max(scores.size, 1),
        )


def prepare_evidence(
    cube: ElementCube,
    result: AnomalyResult,
    *,
    mask: NDArray[Any] | None = None,
    n_rows: int = DEFAULT_ROWS,
    task: Task = SILENT,
) -> EvidenceSource:
    """Measure all listed grains, so that the window can show any of them at once.

    Parameters
    ----------
    cube : ElementCube
        With the elements that ``result`` was computed from.
    result : AnomalyResult
    mask : (H, W), optional
        Non-zero = anomalous; default ``result.mask``.
    n_rows : int
        Grains wanted, as in `table.find_grains`; the numbers of the grains are those of its ``id``.
    task : Task, optional
        Reports progress (phase "evidence") and can be cancelled.
    """
    _require_same_elements(cube, result)
    task.step("evidence", 0, 3, "grains")
    grains = list_grains(result, mask=mask, n_rows=n_rows, cube=cube, task=task.quiet())
    task.step("evidence", 1, 3, "elements")
    details = detail_grains(cube, result, grains, task=task.quiet())
    task.step("evidence", 2, 3, "scan")
    return evidence_of(cube, result, grains, details)


def evidence_of(
    cube: ElementCube, result: AnomalyResult, grains: GrainList, details: GrainDetails
) -> EvidenceSource:
    """As `prepare_evidence`, for grains that were listed and examined already.

    Parameters
    ----------
    cube : ElementCube
        With the elements that ``result`` was computed from.
    result : AnomalyResult
    grains : GrainList
        As `table.list_grains` gives them.
    details : GrainDetails
    """
    _require_same_elements(cube, result)
    scores = np.sort(result.score[result.valid])
    counts, edges = np.histogram(scores, bins=HISTOGRAM_BINS)
    return EvidenceSource(
        cube=cube,
        result=result,
        grains=grains,
        details=details,
        driving=driving_contributions(grains.drivers) != 0,
        scan_sigma=_scan_sigma(cube),
        histogram_counts=counts,
        histogram_edges=edges,
        sorted_scores=scores,
    )


def _require_same_elements(cube: ElementCube, result: AnomalyResult) -> None:
    if cube.elements != result.elements:
        raise InputError(
            "This result was computed from other element maps: the scan has "
            f"{', '.join(cube.elements)}, the result {', '.join(result.elements)}."
        )


def _scan_sigma(cube: ElementCube) -> Floats:
    """(C,) robust sigma of each element over (a sample of) the valid pixels."""
    where = thinned(np.flatnonzero(cube.valid), _SAMPLED_PIXELS)
    return np.array(
        [
            robust_centre_and_sigma(cube.plane(c).reshape(-1)[where].astype(np.float64))[1]
            for c in range(cube.n_elements)
        ]
    )
