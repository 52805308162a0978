"""Which images fail: slices searched on one half of the test images and tested on the other."""
