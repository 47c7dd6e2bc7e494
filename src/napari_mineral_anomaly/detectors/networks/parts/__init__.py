"""Parts that several networks share: autoencoder, windows, training step, losses, residuals."""
