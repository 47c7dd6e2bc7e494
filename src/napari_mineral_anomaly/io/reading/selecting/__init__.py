"""Which planes of which files are the element maps of one scan."""
