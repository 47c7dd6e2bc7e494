"""napari layers: how they are made, found again and linked to a scan."""
