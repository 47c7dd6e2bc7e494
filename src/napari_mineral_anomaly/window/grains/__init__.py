"""The docks with the table of grains and the evidence for one grain."""
