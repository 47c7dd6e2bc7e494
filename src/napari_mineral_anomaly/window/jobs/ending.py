"""Lets the program end quickly once its window is closed.

Before it ends, Python looks for garbage several times among all objects that are left: with napari,
a scan and torch more than half a million, which takes seconds and frees memory that the system
takes back anyway. So they are frozen first: the collector passes frozen objects over. Threads have
ended by then, and everything that is registered with `atexit` runs as usual.
"""

from __future__ import annotations

import atexit
import gc


def end_quickly() -> None:
    """Spare the program the last search for garbage; may be called more than once."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
