"""One run: a scan in, a folder of results out."""
