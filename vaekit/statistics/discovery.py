"""How often many tests together may be wrong."""

Q_LEVEL = 0.05  # of all that is called found, at most this share is expected to be nothing (Benjamini & Hochberg 1995)
