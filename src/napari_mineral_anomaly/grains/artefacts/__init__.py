"""Signs that a grain is no mineral but an artefact of the measurement."""
