"""Several detectors on several scenes with truth: the runs, their tables and their figures."""
