"""From the map to the SEM and back: fiducials, their fit, a list in millimetres, verdicts."""
