"""The dock that runs a detector."""
