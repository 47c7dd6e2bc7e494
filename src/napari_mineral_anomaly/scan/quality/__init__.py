"""Checks of a scan: dead lines, spikes, maps that are alike."""
