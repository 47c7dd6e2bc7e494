"""Writes results to files; each file appears complete or not at all."""
