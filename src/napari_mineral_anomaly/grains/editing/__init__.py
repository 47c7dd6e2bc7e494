"""Merge, split and redraw grains; what is computed from them follows in `grains.table`."""
