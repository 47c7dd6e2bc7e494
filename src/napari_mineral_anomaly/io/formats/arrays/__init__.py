"""NumPy and MATLAB files."""
