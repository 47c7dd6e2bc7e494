"""Save a section: its state as values, and the files of a project."""
