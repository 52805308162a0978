"""Per-image metrics; each file may hold several of one family."""
