"""Places worth a look that are in no list of grains."""
