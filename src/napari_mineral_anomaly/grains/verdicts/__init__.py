"""What the user decided about each grain, and the file that keeps it."""
