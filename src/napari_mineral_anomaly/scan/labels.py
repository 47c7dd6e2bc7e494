"""The data type of label images: pseudo-labels, numbered grains, labels in files."""

from __future__ import annotations

from typing import Any

import numpy as np


def label_dtype(largest: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The type of labels from 0 to ``largest``: uint16, above 65 535 uint32."""
    return np.dtype(np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32)
