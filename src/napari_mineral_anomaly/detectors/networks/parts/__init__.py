"""Parts that several networks share: windows, losses, filters, residuals."""
