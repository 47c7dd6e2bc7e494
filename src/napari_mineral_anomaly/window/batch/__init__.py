"""Many sections at once, in the window; `runs.batch` does the work."""
