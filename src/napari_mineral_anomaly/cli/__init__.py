"""The command ``mineral-anomaly``: the same computations as in the window, for scripts."""

from __future__ import annotations

from napari_mineral_anomaly.cli.app import main

__all__ = ["main"]
