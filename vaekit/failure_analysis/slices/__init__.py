"""Which images fail: slices searched on halves of the images and tested on the others; groups without a name."""
