"""One run: from a scan to a folder of results."""
