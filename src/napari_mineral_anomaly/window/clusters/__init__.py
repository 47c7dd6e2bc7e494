"""The dock for pseudo-labels, and training again with them."""
