"""Digests of a model's files: what weights are, whatever they are called. No tensor library is needed."""

import hashlib
from pathlib import Path

_BLOCK_BYTES = 1 << 20


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights of a model folder, by name."""
    # An adapter beside the weights belongs to nobody here.
    return sorted(file for file in folder.glob("*.safetensors") if not file.name.startswith("adapter_"))


def weights_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of the safetensors files: what an adapter was trained on."""
    digest = hashlib.sha256()
    for file in weight_files(folder):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files directly in the folder: what tells two imports apart."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
