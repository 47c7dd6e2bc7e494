"""The small picture of a score map on the page of a batch."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from napari_mineral_anomaly.runs.batch.thumbnail import PAGE_SIDE, thumbnail_png


@pytest.mark.parametrize("shape", [(324, 288), (60, 400), (30, 20)])
def test_every_grain_is_red_in_the_picture(shape):
    score = np.random.default_rng(0).uniform(-3, 3, shape).astype(np.float32)
    score[0, 0] = np.nan
    score[5, 12] = 9
    score[-2, -2] = 5
    picture = Image.open(io.BytesIO(thumbnail_png(score, 5.0, PAGE_SIDE)))
    assert max(picture.size) <= PAGE_SIDE
    assert picture.width / picture.height == pytest.approx(shape[1] / shape[0], rel=0.1)
    red, green, _ = np.asarray(picture, np.int16).transpose(2, 0, 1)
    assert np.count_nonzero(red - green > 90) == 2
    barren = Image.open(io.BytesIO(thumbnail_png(score, 10.0, PAGE_SIDE)))
    assert np.ptp(np.asarray(barren, np.int16), axis=-1).max() < 10
