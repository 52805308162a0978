"""What a file is, told from its first bytes: for the sentence said of one that holds no PyTorch weights."""

import zipfile
from pathlib import Path

LFS = b"version https://git-lfs.github.com/spec/"
STARTS: dict[bytes, str] = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, as Keras and TensorFlow write them: vaekit reads PyTorch weights",
    b"\x89PNG": "a picture (PNG), no checkpoint",
    b"\xff\xd8\xff": "a picture (JPEG), no checkpoint",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"\x93NUMPY": "an array of NumPy, no PyTorch weights",
    b"%PDF": "a PDF document, no checkpoint",
    b"GGUF": "a GGUF file of llama.cpp: vaekit reads PyTorch weights",
}


def what_is_this(path: Path) -> str:
    """Return what the file or folder at `path` is, as the end of the sentence "<path> is ...".

    Nothing of the file is run or unpacked; a file that looks like PyTorch weights is called that.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        return "not there"
    with path.open("rb") as file:
        start = file.read(2048)
    if not start:
        return "an empty file: download or copy it again"
    if start.startswith(LFS):
        return "a Git LFS pointer, not the weights themselves: run `git lfs pull` in its repository"
    for magic, text in STARTS.items():
        if start.startswith(magic):
            return text
    if b"ustar" in start[257:265]:
        return "a tar archive: unpack it first (PyTorch's own tar format ended with version 0.1.10)"
    if zipfile.is_zipfile(path):
        return _archive(path)
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] == b"<" and (b"<html" in head.lower() or head.lower().startswith(b"<!doctype")):
        return "an HTML page: the download was answered with a web page; fetch the file itself"
    if head[:1] in b"{[" and _is_text(start):
        return "a JSON text, no weights"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000:
        return "a safetensors file"
    if start[:1] == b"\x80":
        return "a pickle, as PyTorch wrote its files before version 1.6"
    return "a text file, no checkpoint" if _is_text(start) else _by_name(path)


def _folder(path: Path) -> str:
    names = {child.name for child in path.iterdir()}
    if not names:
        return "an empty folder"
    if "saved_model.pb" in names:
        return "a SavedModel of TensorFlow: vaekit reads PyTorch weights"
    if any(name.endswith(".ckpt.index") or name == "checkpoint" for name in names):
        return "a folder of TensorFlow checkpoints: vaekit reads PyTorch weights"
    if names & {"_CHECKPOINT_METADATA", "_METADATA", "checkpoint.msgpack", "flax_model.msgpack"}:
        return "a checkpoint of JAX (Orbax or Flax): vaekit reads PyTorch weights"
    return f"a folder with {', '.join(sorted(names)[:5])}" + (", ..." if len(names) > 5 else "")


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "a damaged zip file: it was cut short, download or copy it again"
    tails = {name.partition("/")[2] for name in names}
    if "data.pkl" in tails and any(tail.startswith("code/") for tail in tails):
        return "a TorchScript archive: save the module's state_dict() instead"
    if "data.pkl" in tails:
        return "a file of PyTorch"
    if any(name.endswith(".npy") for name in names):
        return "a set of NumPy arrays (npz), no PyTorch weights"
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        return "a model of Keras: vaekit reads PyTorch weights"
    return "a zip archive: unpack it first"


def _is_text(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and b"\0" not in start  # a character cut in two by the end of the sample
    return b"\0" not in start


def _by_name(path: Path) -> str:
    kinds = {
        ".onnx": "a network of ONNX: vaekit reads PyTorch weights",
        ".pb": "a graph of TensorFlow: vaekit reads PyTorch weights",
        ".tflite": "a network of TensorFlow Lite: vaekit reads PyTorch weights",
        ".index": "a checkpoint of TensorFlow: vaekit reads PyTorch weights",
        ".msgpack": "a checkpoint of JAX (Flax): vaekit reads PyTorch weights",
    }
    return kinds.get(path.suffix, "no file that PyTorch wrote, or a damaged one")
