"""Walks through the latent space of one model: samples, reconstructions, traversals, interpolations, edits, the map."""
