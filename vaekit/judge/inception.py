"""FID's own features: InceptionV3 with the weights ported from TensorFlow, through torch-fidelity's network and resize.

Nothing here reaches for the network but `fetch_inception`, which `vaekit data fetch inception` calls.
"""

import functools
import hashlib
import http.client
import io
import pickle
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.inception_file import cached_files, inception_weights
from vaekit.judge.base import refuse_unusable
from vaekit.progress import Progress, silent

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
LAYER = "2048"


def are_published(weights: Path) -> bool:
    """Return whether a file is, byte for byte, the weights that published FIDs rest on; only then is a number FID."""
    return artifacts.file_hash(weights) == SHA256


def inception_features(
    images: np.ndarray,
    weights: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    progress: Progress = silent,
) -> np.ndarray:
    """Return the 2,048 pooled features of uint8 images (N, S, S, 3), N >= 2, in their order: (N, 2048) float32.

    Pixels go in as the integers 0..255 and are resized to 299 as TensorFlow 1 did; BatchNorm is in evaluation mode.
    `weights` as for `inception_weights`.

    Raises:
        NotAvailable: no weights, and none were named.
        ConfigError: a named file is missing; DataError: it can not be read, or holds other weights.
        DataError: fewer than 2 images, another type or another shape.
    """
    refuse_unusable(images)
    path = inception_weights(weights)
    stat = path.stat()
    network = _network(path, stat.st_mtime_ns, stat.st_size).to(device)
    features = np.empty((len(images), int(LAYER)), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            pixels = torch.from_numpy(np.array(images[part])).to(device).permute(0, 3, 1, 2)
            features[part] = network(pixels)[0].cpu().numpy()
            progress("inception", min(part.stop, len(images)), len(images))
    return features


def fetch_inception(progress: Progress = silent) -> Path:
    """Download the weights to torch's cache, where torch-fidelity looks too; return the file, kept if already there.

    Raises:
        DataError: the download failed, or its checksum is another; nothing is kept then.
    """
    path = cached_files()[0]
    if path.is_file() and are_published(path):
        return path
    digest = hashlib.sha256()
    with artifacts.atomic(path) as file:
        try:
            with urllib.request.urlopen(URL, timeout=30) as answer:
                size = int(answer.headers.get("Content-Length") or 0)
                done = 0
                while block := answer.read(1 << 20):
                    file.write(block)
                    digest.update(block)
                    done += len(block)
                    progress("fetch", done, max(size, done))
        except (OSError, http.client.HTTPException) as error:
            raise DataError(
                f"Can not download {URL} ({error}): check the network, or fetch the file elsewhere and name it with "
                "--inception-weights."
            ) from error
        if digest.hexdigest() != SHA256:
            raise DataError(
                f"What {URL} sent has the SHA-256 {digest.hexdigest()}, not {SHA256}: nothing was kept. Try again, or "
                "fetch the file elsewhere and name it with --inception-weights."
            )
    return path


@functools.lru_cache(maxsize=1)
def _network(path: Path, changed: int, size: int) -> nn.Module:
    """Return the network in evaluation mode; `changed` and `size` tell a replaced file from the one that is cached."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
            raise ValueError(f"it holds {type(state).__name__} data, not weights by name")
        # torch-fidelity itself would unpickle whatever the file holds: it gets the checked tensors alone.
        checked = io.BytesIO()
        torch.save(state, checked)
        checked.seek(0)
        network: nn.Module = FeatureExtractorInceptionV3("inception", [LAYER], feature_extractor_weights_path=checked)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        what = lines[min(1, len(lines) - 1)] if "state_dict" in lines[0] else lines[0]
        raise DataError(
            f"{path} does not hold the weights of FID's InceptionV3 ({what[:160].rstrip('.:')}). `vaekit data fetch "
            "inception` downloads them; name another file with --inception-weights."
        ) from error
    return network.eval()
