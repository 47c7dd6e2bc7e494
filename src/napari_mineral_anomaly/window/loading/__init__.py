"""The dock that reads element maps and spectra."""
