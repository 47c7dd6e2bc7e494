"""The dock *Export results*: it writes results to files."""
