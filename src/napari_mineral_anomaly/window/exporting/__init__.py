"""Parts of the step *Hand over*: it writes results to files."""
