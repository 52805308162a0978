"""vaekit: what a variational autoencoder of faces can and can not do.

Shapes in docstrings: B images in a batch, N images in a set, C x H x W an image, D latent dimensions, K attributes.
"""

__version__ = "0.1.0"
