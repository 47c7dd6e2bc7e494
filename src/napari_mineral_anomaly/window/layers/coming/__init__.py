"""Layers that come and go: added in turns, awaited, removed together, brought back."""
