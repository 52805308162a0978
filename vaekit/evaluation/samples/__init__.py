"""What the model draws, against the test images: distances between sets, and which part of the model they blame."""
