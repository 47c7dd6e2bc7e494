"""Which map is of which element: by names, by samples, by what the user tells."""
