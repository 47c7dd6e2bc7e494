"""How good a result is: metrics against a known truth, and benchmarks."""
