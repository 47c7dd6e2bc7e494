"""The sections of a window: the list of them, and which one is shown."""
