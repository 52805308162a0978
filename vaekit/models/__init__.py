"""Variational autoencoders: the contract in `base`, one file per network."""
