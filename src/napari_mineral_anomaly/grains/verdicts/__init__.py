"""The verdicts of the user on grains, and their files."""
