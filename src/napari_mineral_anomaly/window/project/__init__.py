"""Saving and opening the project of a section; the work itself is done in the room `project`."""
