"""Panels as docks of napari's window: their base class, their place, libraries imported ahead."""
