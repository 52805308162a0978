"""Failure analysis: which images the model reconstructs worst, and what they share."""
