"""Functions that napari calls: the reader, the writers and the sample data."""
