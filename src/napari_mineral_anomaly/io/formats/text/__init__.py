"""Text files: matrices, and tables with one row per pixel."""
