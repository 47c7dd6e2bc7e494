"""Parts of the step *Find*, and the dock that compares detectors."""
