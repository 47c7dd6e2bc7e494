"""Many detectors on many scans: the runs, their tables and their figures."""
