"""What is true of the whole test split: each test a measurement and the words for it, in one file."""
