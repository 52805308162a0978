"""CelebA from its owners' Google Drive, through torchvision, when it is asked for."""

from pathlib import Path

from vaekit.errors import DataError


def fetch_celeba(root: Path) -> Path:
    """Download CelebA to `root`/celeba, 1.4 GB, and return that folder; torchvision compares the checksums.

    Raises:
        DataError: the drive refused, which it does when too many people ask, or something else failed.
    """
    from torchvision.datasets import CelebA

    try:
        CelebA(str(root), download=True)
    except Exception as error:  # gdown, requests, zipfile and torchvision each raise their own
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"CelebA could not be downloaded ({reason}). Google Drive lets only so many people take a file each day "
            "and then refuses: try again tomorrow, or unpack img_align_celeba.zip and its annotation files from "
            f"elsewhere (its homepage, Kaggle) into {root / 'celeba'}."
        ) from None
    return root / "celeba"
