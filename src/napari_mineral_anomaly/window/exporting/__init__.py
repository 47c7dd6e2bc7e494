"""The dock that writes results to files."""
