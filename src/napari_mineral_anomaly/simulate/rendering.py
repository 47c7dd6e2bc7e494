"""Expected counts of a section, block by block of rows."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.special import ive

from napari_mineral_anomaly.scan.spectra.lines import FWHM_PER_SIGMA
from napari_mineral_anomaly.simulate.accessories import Grain
from napari_mineral_anomaly.simulate.artefacts import VISIBLE_SIGMAS, ArtefactPlan
from napari_mineral_anomaly.simulate.fields import IntensityField
from napari_mineral_anomaly.simulate.minerals import EPOXY, MINERALS
from napari_mineral_anomaly.simulate.scenes import MAPPABLE, Scene
from napari_mineral_anomaly.simulate.sensitivity import count_rates
from napari_mineral_anomaly.simulate.texture import Texture

# A pixel on a grain boundary is the mean of a grid of points; so many per side.
SUPERSAMPLING = 3
# Solid solutions: rates are computed at this many compositions and interpolated between them.
COMPOSITIONS = 9

Floats32 = NDArray[np.float32]


def blur_beam(planes: Floats32, spot_px: float) -> Floats32:
    """Blur the last two axes with the beam, a Gaussian of full width ``spot_px`` pixels.

    The kernel is the discrete Gaussian (Lindeberg 1990, IEEE TPAMI 12, 234). Unlike a sampled
    Gaussian it has exactly the variance of the beam, also when the spot is as small as a pixel.
    Borders reflect, so that the total is preserved.
    """
    sigma = spot_px / FWHM_PER_SIGMA
    radius = _beam_radius(spot_px)
    kernel = ive(np.arange(-radius, radius + 1), sigma**2)
    kernel /= kernel.sum()
    for axis in (-2, -1):
        planes = correlate1d(planes, kernel, axis=axis, mode="reflect")
    return planes


def _beam_radius(spot_px: float) -> int:
    return int(np.ceil(4 * spot_px / FWHM_PER_SIGMA)) + 1


class Renderer:
    """Expected counts of a section, block by block of rows."""

    def __init__(
        self,
        scene: Scene,
        shape: tuple[int, int],
        texture: Texture,
        placed: list[Grain],
        plan: ArtefactPlan,
        field: IntensityField,
        traces: Floats32 | None,
    ) -> None:
        self.scene, self.shape, self.texture, self.plan = scene, shape, texture, plan
        self.field, self.traces, self.elements = field, traces, scene.elements
        matrix = tuple(mode.mineral for mode in scene.modes)
        mount = ("epoxy", "off sample") if scene.artefacts else ()
        self.minerals = matrix + scene.accessories + mount
        self.matrix_rates = np.concatenate([solid_solution(name, self.elements) for name in matrix])
        self.grain_rates = np.array([_rates(grain.mineral, self.elements) for grain in placed])
        self.grain_phase = np.array(
            [self.minerals.index(g.mineral) for g in placed], dtype=np.uint8
        )
        # All pixels that anomalous grains touch, in one list; each belongs to only one grain.
        self.grain = np.repeat(np.arange(len(placed)), [grain.rows.size for grain in placed])
        self.rows, self.cols, self.filled = (
            np.concatenate([getattr(grain, name) for grain in placed] or [np.empty(0, dtype)])
            for name, dtype in (("rows", np.intp), ("cols", np.intp), ("fraction", np.float32))
        )

    def render(
        self, rows: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint16]]:
        """Expected counts (C, h, W), phases (h, W) and visible line overlaps (h, W)."""
        spot_px = self.scene.spot_um / self.scene.pixel_um
        halo = _beam_radius(spot_px)
        outer = slice(max(0, rows.start - halo), min(self.shape[0], rows.stop + halo))
        inner = slice(rows.start - outer.start, rows.stop - outer.start)
        rates, phases = self._matrix(outer)
        self._put_grains(rates, phases, outer)
        self._put_mount(rates, phases, outer)
        expected = blur_beam(rates, spot_px)[:, inner] * self.scene.dwell_ms
        gain = self.plan.row_gain[rows, None] * self.plan.col_gain
        gain = gain * self.field.gain(rows, self.shape[1])
        own = expected * gain
        total = own.copy()
        leaks = np.zeros(own.shape[1:], dtype=np.uint16)
        for number, (element, source, coefficient) in enumerate(self.plan.overlaps, start=1):
            to = self.elements.index(element)
            leaked = coefficient * own[self.elements.index(source)]
            total[to] += leaked
            # Leaked counts show where they exceed the Poisson noise of the element's own counts.
            noise = np.sqrt(np.maximum(own[to], 1.0))
            leaks[leaked > VISIBLE_SIGMAS * noise] = number
        total += self.field.background[:, None, None]
        return total, phases[inner], leaks

    def _matrix(self, rows: slice) -> tuple[Floats32, NDArray[np.uint8]]:
        """Rates (C, h, W) and mineral of the matrix.

        A pixel whose four corners lie in one grain belongs to that grain. The others lie on grain
        boundaries and are supersampled.
        """
        step = self.scene.pixel_um
        shape = (rows.stop - rows.start, self.shape[1])
        y, x = np.mgrid[rows.start : rows.stop + 1, 0 : shape[1] + 1]
        corner, distance = self.texture.grain_at((y - 0.5) * step, (x - 0.5) * step)
        grain = corner[:-1, :-1]
        pure = (grain == corner[:-1, 1:]) & (grain == corner[1:, :-1]) & (grain == corner[1:, 1:])
        middle = 0.25 * (
            distance[:-1, :-1] + distance[:-1, 1:] + distance[1:, :-1] + distance[1:, 1:]
        )
        rates = np.empty((*shape, len(self.elements)), dtype=np.float32)
        phases = np.empty(shape, dtype=np.uint8)
        rates[pure] = self._grain_rates(grain[pure], middle[pure])
        phases[pure] = self.texture.mode[grain[pure]]

        mixed_y, mixed_x = np.nonzero(~pure)
        offset = (np.arange(SUPERSAMPLING) + 0.5) / SUPERSAMPLING - 0.5
        dy, dx = (grid.ravel() for grid in np.meshgrid(offset, offset, indexing="ij"))
        points, away = self.texture.grain_at(
            (mixed_y[:, None] + rows.start + dy) * step, (mixed_x[:, None] + dx) * step
        )
        rates[mixed_y, mixed_x] = self._grain_rates(points, away).mean(axis=1)
        phases[mixed_y, mixed_x] = self.texture.mode[points[:, dy.size // 2]]
        return np.ascontiguousarray(np.moveaxis(rates, -1, 0)), phases

    def _grain_rates(self, grain: NDArray[np.intp], distance: Floats32) -> Floats32:
        """Rates (..., C) at points of matrix grains, between the tabulated compositions."""
        position = self.texture.composition(grain, distance) * (COMPOSITIONS - 1)
        lower = np.minimum(position.astype(np.intp), COMPOSITIONS - 2)
        weight = (position - lower).astype(np.float32)[..., None]
        row = self.texture.mode[grain].astype(np.intp) * COMPOSITIONS + lower
        below, above = self.matrix_rates[row], self.matrix_rates[row + 1]
        rates = np.asarray(below + (above - below) * weight, dtype=np.float32)
        if self.traces is not None and self.texture.trace is not None:
            rates += self.traces[self.texture.mode[grain]] * self.texture.trace[grain]
        return rates

    def _put_grains(self, rates: Floats32, phases: NDArray[np.uint8], rows: slice) -> None:
        here = np.flatnonzero((self.rows >= rows.start) & (self.rows < rows.stop))
        if here.size == 0:
            return
        at = (self.rows[here] - rows.start, self.cols[here])
        filled, grain = self.filled[here], self.grain[here]
        own = self.grain_rates[grain].T
        rates[:, at[0], at[1]] = rates[:, at[0], at[1]] * (1 - filled) + own * filled
        most = filled > 0.5
        phases[at[0][most], at[1][most]] = self.grain_phase[grain[most]]

    def _put_mount(self, rates: Floats32, phases: NDArray[np.uint8], rows: slice) -> None:
        if not self.scene.artefacts:
            return
        epoxy, off_sample = self.plan.epoxy[rows], self.plan.off_sample[rows]
        rates[:, epoxy] = _rates("epoxy", self.elements)[:, None]
        rates[:, off_sample] = 0.0
        phases[epoxy] = self.minerals.index("epoxy")
        phases[off_sample] = self.minerals.index("off sample")


def _rates(
    mineral: str, elements: tuple[str, ...], share: float | None = None
) -> NDArray[np.float64]:
    if set(elements) <= set(MAPPABLE):
        # One computation serves all choices of elements.
        index = [MAPPABLE.index(element) for element in elements]
        return _computed_rates(mineral, MAPPABLE, share)[index]
    return _computed_rates(mineral, elements, share)


@cache
def _computed_rates(
    mineral: str, elements: tuple[str, ...], share: float | None
) -> NDArray[np.float64]:
    rates = count_rates(EPOXY if mineral == "epoxy" else MINERALS[mineral], elements, share)
    # Six digits, because the last bits of exp() differ between processors and would change the
    # Poisson draws.
    return np.array([float(f"{rate:.6g}") for rate in rates])


def draw_traces(scene: Scene, rng: np.random.Generator) -> Floats32 | None:
    """Mean rates (n_modes, C) per ms of traces in each mineral; None for a scene without traces."""
    if scene.fabric.trace <= 0:
        return None
    brightest = [
        solid_solution(mode.mineral, scene.elements).max(axis=1).mean() for mode in scene.modes
    ]
    size = (len(scene.modes), len(scene.elements))
    shares = scene.fabric.trace * 10.0 ** rng.uniform(-2.5, 0.0, size)
    traces: Floats32 = (shares * np.array(brightest)[:, None]).astype(np.float32)
    return traces


def solid_solution(mineral: str, elements: tuple[str, ...]) -> Floats32:
    """Rates (COMPOSITIONS, C) per ms from the first to the second end member."""
    if MINERALS[mineral].second is None:
        return np.tile(_rates(mineral, elements), (COMPOSITIONS, 1)).astype(np.float32)
    shares = np.linspace(0.0, 1.0, COMPOSITIONS)
    return np.array([_rates(mineral, elements, float(share)) for share in shares], dtype=np.float32)
