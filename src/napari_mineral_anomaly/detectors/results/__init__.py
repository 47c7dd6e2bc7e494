"""What a detector returns: scores, their calibration, and the threshold."""
