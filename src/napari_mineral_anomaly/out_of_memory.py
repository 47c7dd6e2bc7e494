"""Running out of memory, told in one sentence that says what would fit.

numpy, torch and the Cython code of SciPy and scikit-learn each say it in another way.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.process import free_memory

# What libraries say where they raise neither MemoryError nor torch.OutOfMemoryError: torch on the
# CPU, CUDA, Cython, which could not allocate the contiguous copy that it needs, and the loader of
# libraries.
_WORDS = (
    "can't allocate memory",
    "out of memory",
    "cannot allocate memory",
    "c-contiguous",
    "failed to map segment",
)

# Bytes of memory for each pixel of each element: our choice, on the safe side. In the table of
# docs/performance.md, `rx` takes 227 MB more for 36 million more values of uint16 in a Zarr store:
# 6.3 bytes each. Maps that are held in memory need their own bytes too, and networks need more.
BYTES_PER_VALUE = 12

# Of a scan whose elements are not known.
_USUAL_ELEMENTS = 20


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that there was not enough memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    is_bare = isinstance(error, RuntimeError | ValueError | ImportError)
    is_bare = is_bare and not isinstance(error, InputError)
    return is_bare and any(words in str(error).lower() for words in _WORDS)


def memory_sentence(shape: tuple[int, int] | None = None, n_elements: int = 1) -> str:
    """One sentence for the user after memory ran out.

    Parameters
    ----------
    shape : (H, W), optional
        Of the scan, where it is known.
    n_elements : int
    """
    free = free_memory()
    has = "" if free is None else f" ({free / 1e9:.3g} GB are free now)"
    if shape is None:
        fits = "" if free is None else f"{_that_fits(free, _USUAL_ELEMENTS)} would fit; "
        return (
            f"There is not enough memory{has}: {fits}close other programs, or take a part of the "
            "scan or fewer elements."
        )
    half = shape[0] * shape[1] * BYTES_PER_VALUE * n_elements // 2
    fits = _that_fits(half if free is None else min(half, free), n_elements)
    return (
        f"There is not enough memory for {shape[0]:,} x {shape[1]:,} pixels of {n_elements} "
        f"elements{has}: {fits} would fit; close other programs, take a part of the scan or fewer "
        "elements, or choose the detector rx."
    )


def _that_fits(free: int, n_elements: int) -> str:
    side = max(int((free / (BYTES_PER_VALUE * n_elements)) ** 0.5), 1)
    return f"about {side:,} x {side:,} pixels of {n_elements} elements"


@contextmanager
def memory_told(shape: tuple[int, int], n_elements: int) -> Iterator[None]:
    """Turn running out of memory inside the block into an `InputError` that says what would fit."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # Leaves the ``except`` first, so that the arrays in the traceback are freed.
        told = True
    else:
        told = False
    if told:
        raise InputError(memory_sentence(shape, n_elements))
