"""The pixel size of a scan."""
