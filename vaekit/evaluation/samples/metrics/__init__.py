"""Metrics of sets of images; each file may hold several of one family."""
