"""Many sections, a run folder each: on this computer, as an array of jobs, or on a Dask cluster."""
