"""Clusters of pixels that a detector found odd: the pseudo-labels, and editing them."""
