"""What every figure needs: an empty figure, PNG bytes, a scale bar, smaller maps."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from skimage.measure import block_reduce

from napari_mineral_anomaly.runs.report.map_style import (
    OUTSIDE_COLOUR,
    SCORE_COLOURS,
    SCORE_STOPS,
)

# Larger scans are reduced before drawing: no screen shows more pixels, and contours of 12 Mpx take
# long.
MAX_SIDE = 1600

# Text on a map: white with a black edge, placed in points from a position.
MAP_TEXT: dict[str, Any] = {
    "textcoords": "offset points",
    "color": "white",
    "fontweight": "bold",
    "path_effects": [withStroke(linewidth=2, foreground="black")],
}

_DPI = 130


def figure_png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    # Without the version of matplotlib inside: the same run gives the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (inches) that can be saved without a window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def as_it_is(text: str) -> str:
    """Text for a figure that is shown as it is: a name with two "$" is no formula."""
    return text.replace("$", r"\$")


def draw_scale_bar(
    axes: Axes, shape: tuple[int, int], pixel_size: tuple[float, float] | None
) -> None:
    """A bar of a round length, about a fifth of the width, in the lower left corner."""
    height, width = shape
    pixel = 1.0 if pixel_size is None else pixel_size[1]
    length = round_length(width * pixel / 5)
    label = f"{length:g} px (pixel size unknown)" if pixel_size is None else f"{length:g} µm"
    x, y = 0.03 * width, 0.97 * height
    thickness = 0.008 * height
    bar = Rectangle((x, y - thickness), length / pixel, thickness, color="white", linewidth=0)
    bar.set_path_effects(MAP_TEXT["path_effects"])
    axes.add_patch(bar)
    axes.annotate(
        label,
        (x, y - thickness),
        xytext=(0, 3),
        fontsize=10,
        **MAP_TEXT,
    )


def round_length(about: float) -> float:
    """The largest number not above ``about`` that is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(about))
    return max(step * power for step in (1, 2, 5) if step * power <= about * (1 + 1e-9))


def shrunk(
    image: NDArray[Any], reduce: np.ufunc, max_side: int | None = None
) -> tuple[NDArray[Any], tuple[float, float, float, float]]:
    """The image reduced to at most ``max_side`` (`MAX_SIDE`) pixels a side, and its extent.

    ``reduce`` makes one value of each block: `numpy.fmax` keeps a grain of one pixel visible. The
    extent is in scan pixels.
    """
    step = math.ceil(max(image.shape) / (max_side or MAX_SIDE))
    if step > 1:
        image = block_reduce(image, step, reduce.reduce, cval=np.nan)  # type: ignore[no-untyped-call]
    rows, columns = image.shape
    return image, (-0.5, columns * step - 0.5, rows * step - 0.5, -0.5)


def draw_values(
    axes: Axes,
    image: NDArray[Any],
    extent: tuple[float, float, float, float],
    colours: str,
    limits: tuple[float, float],
) -> AxesImage:
    """Draw an image of `shrunk` in the colours of a colour map; missing values are grey."""
    return axes.imshow(
        image,
        cmap=_colours(colours).with_extremes(bad=OUTSIDE_COLOUR),
        vmin=limits[0],
        vmax=limits[1],
        extent=extent,
        interpolation="nearest",
    )


def _colours(name: str) -> Colormap:
    if name == SCORE_COLOURS:
        return LinearSegmentedColormap.from_list(name, list(SCORE_STOPS))
    return colormaps[name]
