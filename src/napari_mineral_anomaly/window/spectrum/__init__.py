"""The dock that shows spectra and makes element maps of them."""
