"""What every drawing of the report needs: figures, scale bars, maps made smaller."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

# Larger scans are shrunk before drawing: no screen shows more, and contouring 12 Mpx takes long.
MAX_SIDE = 1600

OUTSIDE_COLOUR = "#8c8c8c"

_DPI = 130


def figure_png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    # No version of ours inside: the same run gives the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (inches) that can be saved without a window."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


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
    bar.set_path_effects([withStroke(linewidth=2, foreground="black")])
    axes.add_patch(bar)
    axes.annotate(
        label,
        (x, y - thickness),
        xytext=(0, 3),
        textcoords="offset points",
        color="white",
        fontsize=10,
        fontweight="bold",
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )


def round_length(about: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not longer than ``about``."""
    power = 10.0 ** math.floor(math.log10(about))
    return max(step * power for step in (1, 2, 5) if step * power <= about * (1 + 1e-9))


def shrunk(
    image: NDArray[Any], reduce: np.ufunc, max_side: int | None = None
) -> tuple[NDArray[Any], tuple[float, float, float, float]]:
    """The image shrunk to ``max_side`` (`MAX_SIDE`) pixels a side, and its extent in scan pixels.

    The largest value of each block is kept, so that a grain of one pixel stays visible.
    """
    height, width = image.shape
    step = math.ceil(max(height, width) / (max_side or MAX_SIDE))
    rows, columns = math.ceil(height / step), math.ceil(width / step)
    if step > 1:
        padding = ((0, rows * step - height), (0, columns * step - width))
        padded = np.pad(image, padding, constant_values=np.nan)
        blocks = padded.reshape(rows, step, columns, step)
        image = reduce.reduce(reduce.reduce(blocks, axis=3), axis=1)
    return image, (-0.5, columns * step - 0.5, rows * step - 0.5, -0.5)
