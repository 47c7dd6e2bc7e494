"""Detectors without a network: statistics of pixels and of their surroundings."""
