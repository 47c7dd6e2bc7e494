"""Which mineral a grain may be, by its elements."""
