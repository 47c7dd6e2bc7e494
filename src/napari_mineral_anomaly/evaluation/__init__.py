"""How good a result is: comparison with a known truth, and benchmarks."""
