"""Grains: connected anomalous pixels, listed in a table with their evidence."""
