"""napari layers: make them, find them again, link them to a scan."""
