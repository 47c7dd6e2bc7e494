"""Detectors that train a neural network, and the parts that they share."""
