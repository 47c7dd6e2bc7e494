"""Merge, split and redraw grains in the step *Decide*."""
