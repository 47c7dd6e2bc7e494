"""Colours on a logarithmic scale: where a number stands between dark and bright."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image
from napari.utils.colormaps import ensure_colormap

from napari_mineral_anomaly.window.layers.links import Link
from napari_mineral_anomaly.window.layers.log_colours import (
    log_colours,
    show_colours,
    show_logarithm,
)


def a_map(low: float, high: float, quantity: str = "counts") -> Image:
    """An element map with these contrast limits."""
    link = Link("one", "element", scan="s", element="Fe", quantity=quantity)
    return Image(np.zeros((4, 4)), contrast_limits=(low, high), metadata=link.metadata())


def brightness(layer: Image, numbers: list[float]) -> np.ndarray:
    """How far from dark (0) to bright (1) the colours of these numbers are, in grey."""
    low, high = layer.contrast_limits
    return layer.colormap.map((np.array(numbers) - low) / (high - low))[:, 0]


@pytest.mark.parametrize("high", [3, 10, 100, 10_000])
def test_counts_have_the_brightness_of_their_logarithm(high: float) -> None:
    layer = a_map(0, high)
    show_logarithm(layer, "gray")
    numbers = [0.0, 1.0, high / 2, high]
    expected = np.log1p(numbers) / np.log1p(high)
    assert brightness(layer, numbers) == pytest.approx(expected, abs=0.01)


def test_one_count_of_three_is_half_as_bright_as_three() -> None:
    layer = a_map(0, 3)
    show_logarithm(layer, "gray")
    dark, one, three = brightness(layer, [0, 1, 3])
    assert (dark, three) == pytest.approx((0.0, 1.0))
    assert one == pytest.approx(0.5, abs=0.01)


def test_the_logarithm_begins_at_the_lower_limit() -> None:
    layer = a_map(99, 299)
    show_logarithm(layer, "gray")
    middle = (np.log(200) - np.log(100)) / (np.log(300) - np.log(100))
    assert brightness(layer, [99, 199, 299]) == pytest.approx([0, middle, 1], abs=0.01)


def test_colours_follow_the_contrast_limits() -> None:
    layer = a_map(0, 1000)
    show_logarithm(layer, "gray")
    layer.contrast_limits = (0, 3)
    assert brightness(layer, [1]) == pytest.approx([0.5], abs=0.01)
    layer.colormap = "viridis"
    layer.contrast_limits = (0, 50)
    assert layer.colormap.name == "viridis", "the user chose other colours"


def test_numbers_that_are_no_counts_follow_their_share_of_the_range() -> None:
    layer = a_map(0, 0.03, "concentration")
    show_logarithm(layer, "gray")
    expected = np.log1p(200 * np.array([0, 0.01, 0.1, 1])) / np.log1p(200)
    assert brightness(layer, [0, 0.0003, 0.003, 0.03]) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["gray, logarithm", "gray, logarithm over 700 counts"])
def test_a_project_shows_such_colours_again(name: str) -> None:
    layer = a_map(0, 3)
    show_colours(layer, name)
    assert layer.colormap.name == log_colours("gray", 3).name
    assert brightness(layer, [1]) == pytest.approx([0.5], abs=0.01)
    show_colours(layer, "viridis")
    assert layer.colormap == ensure_colormap("viridis")


def test_few_colour_maps_serve_all_limits() -> None:
    made = {log_colours("gray", counts).name for counts in np.linspace(1, 5000, 2000)}
    assert len(made) < 30
    assert log_colours("gray", 0.0).name == log_colours("gray", 0.1).name
