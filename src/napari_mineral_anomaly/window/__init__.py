"""The napari window: docks, and the one place that makes layers.

No module here computes: maps, scores, grains and metrics come from core through `jobs`.
"""
