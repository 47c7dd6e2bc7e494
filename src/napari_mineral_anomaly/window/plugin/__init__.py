"""What napari calls by itself: the reader, the writer and the sample data."""
