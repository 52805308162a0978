"""Intervals, differences and discovery rates: what any number of vaekit rests on. NumPy and SciPy only."""
