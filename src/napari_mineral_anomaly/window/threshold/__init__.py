"""The dock that sets the threshold of a score."""
