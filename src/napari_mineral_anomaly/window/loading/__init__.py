"""Parts of the step *Open*: it reads element maps and spectra."""
