"""Pseudo-labels: clusters of pixels that stand in for labels, and their editing."""
