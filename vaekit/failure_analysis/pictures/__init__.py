"""The worst, best and random images, and what is odd about a picture."""
