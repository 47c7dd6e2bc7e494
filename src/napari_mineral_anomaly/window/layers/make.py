"""All layers are made here, so that they lie on each other.

If one layer has no units, napari ignores the units (µm) of all other layers, and the scale bar
loses its unit. Therefore every layer made here has scale, units and axis labels: from
`spatial_kwargs` or, if it must lie on an existing layer, from `spatial_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.threshold import default_threshold
from napari_mineral_anomaly.evaluation.brushed_truth import ANOMALY, LEAVE_OUT
from napari_mineral_anomaly.runs.report.map_style import (
    COLOUR_SPAN,
    OUTSIDE_COLOUR,
    SCORE_COLOURS,
    SCORE_STOPS,
)
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.lazy_scans import middle_block
from napari_mineral_anomaly.scan.valid_area import without_glitches
from napari_mineral_anomaly.window.layers.attached import handles_of_cube
from napari_mineral_anomaly.window.layers.links import Link, link_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_mineral_anomaly.scan.context import ContextImage

LayerData = tuple[Any, dict[str, Any], str]
PixelSize = tuple[float, float] | None

AXIS_LABELS = ("y", "x")

# Colours that differ clearly on grey maps and on scores, also for colour-blind users.
MASK_COLOUR = "#00e5ff"
TRUTH_COLOURS: dict[int | None, str] = {ANOMALY: "#7dff4f", LEAVE_OUT: "#b0b0b0"}

TAUGHT_COLOUR = "#b48cff"

# Pixels for the contrast limits: quantiles to two digits, computed in milliseconds.
_SAMPLE_PIXELS = 100_000


def new_scan_id() -> str:
    """A new unique id for a scan."""
    return uuid4().hex


def spatial_kwargs(pixel_size: PixelSize) -> dict[str, Any]:
    """Scale, units and axis labels of a scan; without a pixel size the scale is 1 pixel."""
    unit = "pixel" if pixel_size is None else "µm"
    return {
        "scale": (1.0, 1.0) if pixel_size is None else pixel_size,
        "units": (unit, unit),
        "axis_labels": AXIS_LABELS,
    }


def spatial_of(layer: Layer) -> dict[str, Any]:
    """Position of ``layer``, for a new layer on it (also after the user moved ``layer``)."""
    return {
        "scale": tuple(layer.scale),
        "translate": tuple(layer.translate),
        "rotate": np.asarray(layer.rotate),
        "shear": np.asarray(layer.shear),
        "affine": np.asarray(layer.affine.affine_matrix),
        "units": tuple(layer.units),
        "axis_labels": AXIS_LABELS,
    }


def pixel_size_of(layer: Layer) -> PixelSize:
    """Pixel size (y, x) in µm of a layer; None if its units are no lengths."""
    return pixel_size_from(layer.scale, layer.units)


def pixel_size_from(scale: Sequence[float], units: Sequence[Any]) -> PixelSize:
    """Pixel size (y, x) in µm from the last two scales and (pint) units."""
    sizes = []
    for factor, unit in zip(scale[-2:], units[-2:], strict=True):
        micrometres = _micrometres(unit)
        if micrometres is None:
            return None
        sizes.append(abs(float(factor)) * micrometres)
    return (sizes[0], sizes[1]) if len(sizes) == 2 else None


# Cached: every dock needs this at every change, and one conversion takes half a millisecond.
@lru_cache(maxsize=64)
def _micrometres(unit: Any) -> float | None:
    """Length of a unit in µm; None if it is no length."""
    if not unit.is_compatible_with("micrometer"):
        return None
    return float((1 * unit).to("micrometer").magnitude)


def add(viewer: Any, data: LayerData) -> Layer:
    """Make a layer and add it to the viewer."""
    from napari.layers import Layer

    layer = Layer.create(*data)
    viewer.add_layer(layer)
    return layer


def show_scale_bar(viewer: Any) -> None:
    """Switch the scale bar on; it takes its unit from the layers."""
    viewer.canvas.overlays.scale_bar.visible = True


def element_layers(
    cube: ElementCube, *, scan: str, scan_id: str, visible: int = 1
) -> list[LayerData]:
    """One image layer per element map, without copying; the first ``visible`` ones are shown."""
    link = Link(scan_id, "element", scan=scan, quantity=cube.quantity, source=cube.source)
    handles = handles_of_cube(cube)
    spatial = spatial_kwargs(cube.pixel_size)
    # If the maps stay on disk, read only their middle for the contrast.
    shown = middle_block(cube) if cube.is_lazy else cube
    layers: list[LayerData] = []
    for index, element in enumerate(cube.elements):
        plane = cube.maps[index] if cube.is_lazy else cube.plane(index)
        limits = contrast_limits(without_glitches(shown.as_measured(index, shown.plane(index))))
        look: dict[str, Any] = {
            "colormap": "gray",
            "contrast_limits": limits,
            "visible": index < visible,
        }
        if cube.is_lazy:
            # napari would keep every map that was shown, and what workers read meanwhile, in a
            # cache of up to a quarter of the computer's memory.
            look["cache"] = False
        own = replace(link, element=element)
        layer = _layer("image", plane, f"{element} · {scan}", own, spatial, **look)
        layer[1]["metadata"] |= handles
        layers.append(layer)
    return layers


def score_layer(
    score: NDArray[np.floating[Any]],
    threshold: float,
    *,
    title: str,
    link: Link,
    spatial: dict[str, Any],
) -> LayerData:
    """The score map: background is slate, pixels from the threshold on are orange to yellow."""
    link = replace(link, role="score", threshold=float(threshold))
    look = {"colormap": _score_colours(), "contrast_limits": score_limits(score, threshold)}
    return _layer("image", score, f"score {title}", link, spatial, **look)


def _score_colours() -> Any:
    from napari.utils.colormaps import Colormap

    places, colours = zip(*SCORE_STOPS, strict=True)
    # Transparent, as napari has it, would show the element maps below where there is no score.
    return Colormap(colours, name=SCORE_COLOURS, controls=places, nan_color=OUTSIDE_COLOUR)


def mask_layer(
    mask: NDArray[Any],
    *,
    title: str,
    link: Link,
    spatial: dict[str, Any],
    numbers: NDArray[np.uint8] | None = None,
) -> LayerData:
    """The anomaly mask as labels to brush: 0 is transparent, all other values have one colour.

    ``numbers`` are the mask as integers, which the layer may keep; without them they are made.
    """
    link = replace(link, role="mask", threshold=None)
    colours = {0: "transparent", None: MASK_COLOUR}
    data = as_labels(mask) if numbers is None else numbers
    return _layer("labels", data, f"mask {title}", link, spatial, colormap=colours, opacity=0.8)


def pseudo_label_layer(
    labels: NDArray[Any], *, title: str, link: Link, spatial: dict[str, Any]
) -> LayerData:
    """The pseudo-labels: 1 anomaly candidates, 2 and more background clusters; hidden at first.

    The layer keeps the array, and the brush writes into it.
    """
    link = replace(link, role="pseudo_labels", threshold=None)
    name = f"pseudo-labels {title}"
    return _layer("labels", labels, name, link, spatial, opacity=0.5, visible=False)


def valid_layer(
    valid: NDArray[np.bool_], *, scan: str, scan_id: str, spatial: dict[str, Any]
) -> LayerData:
    """The valid area as labels to brush: 1 sample, 0 outside the sample (tinted)."""
    link = Link(scan_id, "valid", scan=scan)
    colours = {0: OUTSIDE_COLOUR, 1: "transparent", None: "transparent"}
    name, data = f"valid area · {scan}", as_labels(valid)
    return _layer("labels", data, name, link, spatial, colormap=colours, opacity=0.3)


def context_layer(
    context: ContextImage, *, scan: str, scan_id: str, spatial: dict[str, Any]
) -> LayerData:
    """An image in register with the maps; phase maps and masks become labels."""
    image, kind = context.image, "image"
    look: dict[str, Any] = {"visible": False}
    if image.ndim == 2 and context.kind in ("phase", "mask") and image.dtype.kind in "uib":
        kind = "labels"
        look["opacity"] = 0.6
        if context.names:
            import pandas as pd  # takes a quarter of a second, and most scans do not need it

            rows = {"index": list(context.names), "name": list(context.names.values())}
            look["features"] = pd.DataFrame(rows)
        if image.dtype.kind == "b":
            image = image.astype(np.uint8)
    elif image.ndim == 3:
        look["rgb"] = True
    else:
        look |= {"colormap": "gray", "contrast_limits": contrast_limits(image)}
    link = Link(scan_id, "context", scan=scan, source=str(context.file))
    return _layer(kind, image, f"{context.name} · {scan}", link, spatial, **look)


def registered_layer(
    context: ContextImage,
    pairs: Sequence[Sequence[float]],
    *,
    scan: str,
    scan_id: str,
    spatial: dict[str, Any],
    to_world: NDArray[np.float64],
) -> LayerData:
    """An image of another grid, laid onto the maps by pairs of points.

    Parameters
    ----------
    context : ContextImage
    pairs : sequence of (float, float, float, float)
        Row and column of each point on the image, and on the maps.
    scan, scan_id, spatial
        Of the maps.
    to_world : (3, 3) array
        From pixels of the maps to the world of napari.

    Raises
    ------
    InputError
        When the pairs fix no transform, or the image is damaged.
    """
    from napari_mineral_anomaly.scan.looking.registration import register

    points = np.asarray(pairs, dtype=float).reshape(-1, 4)
    found = register(points[:, :2], points[:, 2:])
    own = {"units": spatial["units"], "axis_labels": spatial["axis_labels"], "scale": (1.0, 1.0)}
    data, kwargs, kind = context_layer(context, scan=scan, scan_id=scan_id, spatial=own)
    kwargs["affine"] = to_world @ found.matrix
    link = Link(scan_id, "context", scan=scan, source=str(context.file), pairs=points.tolist())
    return data, kwargs | {"metadata": link.metadata()}, kind


def truth_layer(
    shape: tuple[int, int], *, scan: str, scan_id: str, spatial: dict[str, Any]
) -> LayerData:
    """An empty truth mask to brush on: 0 background, 1 anomaly, 2 leave out."""
    data = np.zeros(shape, dtype=np.uint8)
    return truth_labels(data, title=scan, link=Link(scan_id, "truth", scan=scan), spatial=spatial)


def truth_labels(
    data: NDArray[Any], *, title: str, link: Link, spatial: dict[str, Any]
) -> LayerData:
    """A truth mask with its colours."""
    # All other values are left out, for example the 255 of a file.
    colours = {0: "transparent", **TRUTH_COLOURS, None: TRUTH_COLOURS[LEAVE_OUT]}
    link = replace(link, role="truth")
    return _layer("labels", data, f"truth · {title}", link, spatial, colormap=colours, opacity=0.7)


def taught_layer(
    taught: NDArray[np.bool_], *, scan: str, scan_id: str, spatial: dict[str, Any]
) -> LayerData:
    """The pixels that are taught to be ordinary, as labels to brush."""
    colours = {0: "transparent", None: TAUGHT_COLOUR}
    link = Link(scan_id, "taught", scan=scan)
    name = f"ordinary {scan}"
    return _layer("labels", as_labels(taught), name, link, spatial, colormap=colours, opacity=0.6)


def agreement_layer(
    counts: NDArray[np.uint8],
    colours: dict[int, str],
    *,
    title: str,
    link: Link,
    spatial: dict[str, Any],
) -> LayerData:
    """How many detectors flag a pixel: one colour per number, 0 is transparent."""
    link = replace(link, role="agreement")
    look = {"colormap": label_colours(colours), "opacity": 0.9}
    return _layer("labels", counts, f"agreement · {title}", link, spatial, **look)


def _layer(
    kind: str, data: Any, name: str, link: Link, spatial: dict[str, Any], **look: Any
) -> LayerData:
    return data, {"name": name, "metadata": link.metadata(), **spatial, **look}, kind


def label_colours(colours: Mapping[Any, str]) -> dict[int | None, str]:
    """Colours for labels; every other number is transparent."""
    return {None: "transparent", 0: "transparent", **colours}


def as_labels(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """A copy of a mask as integers for a labels layer, so that the brush changes only the copy."""
    return np.array(mask, dtype=np.uint8)


def contrast_limits(plane: NDArray[Any]) -> tuple[float, float]:
    """Contrast limits that also show trace elements; the data do not change.

    From the 0.5th to the 99.8th percentile of a regular sample. If these are equal, as in the map
    of a trace element, the upper limit is the median of the pixels above the lower limit.
    """
    values = _regular_sample(plane)
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(q) for q in np.quantile(values, (0.005, 0.998)))
    if high <= low:
        above = plane[np.isfinite(plane) & (plane > low)]
        high = float(np.quantile(above, 0.5)) if above.size else low
    return (low, high) if high > low else (low, low + 1.0)


def score_limits(score: NDArray[np.floating[Any]], threshold: float) -> tuple[float, float]:
    """From the middle of the background (0 sigmas) to three thresholds, as in the reports."""
    high = COLOUR_SPAN * threshold
    return (0.0, high) if high > 0 else contrast_limits(score)


def threshold_of(layer: Layer) -> float:
    """Threshold of a score layer: from its note, else the default for its size."""
    link = link_of(layer)
    if link is not None and link.threshold is not None:
        return link.threshold
    return default_score_threshold(layer.data)


def min_grain_of(layer: Layer) -> int:
    """Smallest grain (pixels) of the mask of a score layer: from its note, else 1."""
    link = link_of(layer)
    return 1 if link is None else link.min_grain_px or 1


def default_score_threshold(score: Any) -> float:
    """The default threshold for a score map, from its number of finite pixels."""
    return default_threshold(int(np.count_nonzero(np.isfinite(score))))


def _regular_sample(plane: NDArray[Any]) -> NDArray[Any]:
    step = max(1, int(np.sqrt(plane.size / _SAMPLE_PIXELS)))
    values = plane[::step, ::step].reshape(-1)
    return values[np.isfinite(values)]
