"""Checkpoints of other programs: what the user names becomes a live module with its weights, then a vaekit model."""
