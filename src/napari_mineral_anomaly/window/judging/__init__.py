"""The docks that compare a result with a truth."""
