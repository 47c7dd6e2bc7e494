"""The commands of ``mineral-anomaly``, one file per command."""
