"""Fiducials on the map, their readings of the SEM, verdicts from there."""
