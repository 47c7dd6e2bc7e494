"""The command ``mineral-anomaly``: the same engine as the window, for terminals and scripts."""

from __future__ import annotations

from napari_mineral_anomaly.cli.app import main

__all__ = ["main"]
