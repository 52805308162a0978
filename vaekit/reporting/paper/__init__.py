"""The edition that one hands in."""
