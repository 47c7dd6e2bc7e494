"""Reads a scan: lists its files, selects the element maps, and reads them into a cube."""
