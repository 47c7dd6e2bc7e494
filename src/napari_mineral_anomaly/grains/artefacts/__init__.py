"""Signs that a grain is an artefact of the measurement and not a mineral."""
