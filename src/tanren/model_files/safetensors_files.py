"""Safetensors files from a stranger: the header read strictly, and the values looked through without a tensor library.

    8 bytes, little-endian: length of the header │ the header, JSON: name → dtype, shape, offsets │ the tensors' bytes

Source   the safetensors format's README; its rules on holes, overlaps and duplicate keys are held here.
Cost     `read_header` reads the header only; `first_bad_value` reads all of a file once, in blocks of 8 MiB.
"""

import os
import stat
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from tanren.domain.errors import UnsafeModel
from tanren.model_files.untrusted_json import kind_by_content, parse_object

HEADER_BYTES_CAP: Final = 16 * 1024 * 1024
"""The format allows 100 MB; the largest known model's header has 10."""
TENSORS_CAP: Final = 100_000
_RANK_CAP: Final = 8
_BITS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""Every dtype of the format."""
PLAIN_DTYPES: Final = ("F32", "BF16", "F16")
"""Those we load: weights as they are, not quantised."""
_EXPONENTS: Final = {"F32": ("<u4", 0x7F800000), "BF16": ("<u2", 0x7F80), "F16": ("<u2", 0x7C00)}
"""The word of a value and its exponent's bits: all of them set means infinite or not a number."""
_BLOCK_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """In the file, in bytes."""
    end: int

    @property
    def count(self) -> int:
        return prod(self.shape)


def read_header(file: Path) -> dict[str, StoredTensor]:
    """The tensors of a file by name. Raises UnsafeModel where the header breaks a rule of the format."""
    content, file_size = _header_bytes(file)
    start_of_data = 8 + len(content)
    header = parse_object(content, where=f"the header of {file}")
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(v, str) for v in cast(dict[str, Any], metadata).values())
    ):
        raise UnsafeModel(f"{file} has a __metadata__ that is no object of strings, as the format asks.")
    if not header:
        raise UnsafeModel(f"{file} has no tensors.")
    if len(header) > TENSORS_CAP:
        raise UnsafeModel(f"{file} has {len(header)} tensors; at most {TENSORS_CAP} are read.")
    tensors = [_tensor(file, name, entry, start_of_data) for name, entry in header.items()]
    _check_tiling(file, tensors, start_of_data, file_size)
    return {tensor.name: tensor for tensor in tensors}


def first_bad_value(file: Path, tensor: StoredTensor) -> tuple[int, ...] | None:
    """Index of the first value of the tensor that is infinite or not a number; None where all are finite.

    Why      bit patterns are compared, so that bfloat16, which numpy does not know, needs no conversion.
    """
    word, exponent = _EXPONENTS[tensor.dtype]
    values: NDArray[Any] = np.memmap(file, dtype=word, mode="r", offset=tensor.start, shape=(tensor.count,))
    step = _BLOCK_BYTES // values.itemsize
    for begin in range(0, tensor.count, step):
        bad = (values[begin : begin + step] & exponent) == exponent
        if bad.any():
            flat = begin + int(bad.argmax())
            return tuple(int(each) for each in np.unravel_index(flat, tensor.shape))
    return None


def _header_bytes(file: Path) -> tuple[bytes, int]:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise UnsafeModel(f"{file} cannot be read: {error.strerror}.") from error
    with open(descriptor, "rb") as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UnsafeModel(f"{file} is no regular file. A model is made of plain files; remove it.")
        head = stream.read(32)
        kind = kind_by_content(head)
        # The length of an honest header may begin with the bytes of a pickle; what follows it may not.
        if kind is not None and head[8:9] != b"{":
            raise UnsafeModel(
                f"{file} is not a safetensors file: by its content it is {kind}. It is not opened; "
                "convert the weights to safetensors."
            )
        if len(head) < 8:
            raise UnsafeModel(f"{file} is not a safetensors file: it has {len(head)} bytes.")
        length = struct.unpack("<Q", head[:8])[0]
        if length > HEADER_BYTES_CAP:
            raise UnsafeModel(
                f"{file} is not a safetensors file that we read: its header claims {length} bytes, at most "
                f"{HEADER_BYTES_CAP} are read."
            )
        if not 0 < length <= state.st_size - 8:
            raise UnsafeModel(
                f"{file} is not a safetensors file, or it is cut off: its header claims {length} bytes, the file has "
                f"{state.st_size}."
            )
        stream.seek(8)
        content = stream.read(length)
    if not content.startswith(b"{"):
        raise UnsafeModel(f"{file} is not a safetensors file: its header is no JSON object.")
    return content, state.st_size


def _tensor(file: Path, name: str, entry: Any, start_of_data: int) -> StoredTensor:
    def refuse(what: str) -> UnsafeModel:
        return UnsafeModel(f"{file}: tensor {name[:200]!r} {what}.")

    if not isinstance(entry, dict) or set(cast(dict[str, Any], entry)) != {"dtype", "shape", "data_offsets"}:
        raise refuse("is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = cast(Any, (entry["dtype"], entry["shape"], entry["data_offsets"]))
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise refuse(f"has the dtype {str(dtype)[:40]!r}, which the format does not know")
    if not isinstance(shape, list) or len(cast(list[Any], shape)) > _RANK_CAP:
        raise refuse(f"has a shape that is no list of at most {_RANK_CAP} sizes")
    sizes = cast(list[Any], shape)
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise refuse(f"has the shape {str(sizes)[:80]}; a size is a whole number, 0 or more")
    if prod(max(size, 1) for size in sizes) >= 1 << 48:
        raise refuse(f"has the shape {str(sizes)[:80]}, whose product overflows what any file holds")
    if not (
        isinstance(offsets, list)
        and len(cast(list[Any], offsets)) == 2
        and all(type(each) is int and each >= 0 for each in cast(list[Any], offsets))
    ):
        raise refuse("has data_offsets that are no pair of whole numbers, 0 or more")
    begin, end = cast(list[int], offsets)
    needed = prod(sizes) * _BITS[dtype]
    if needed != (end - begin) * 8:
        raise refuse(f"of {dtype} and shape {sizes} needs {needed // 8} bytes; its offsets span {end - begin}")
    return StoredTensor(
        name=name, dtype=dtype, shape=tuple(sizes), start=start_of_data + begin, end=start_of_data + end
    )


def _check_tiling(file: Path, tensors: list[StoredTensor], start_of_data: int, file_size: int) -> None:
    """Each byte behind the header belongs to exactly one tensor."""
    reached = start_of_data
    for tensor in sorted(tensors, key=lambda each: (each.start, each.end)):
        if tensor.start < reached:
            raise UnsafeModel(f"{file}: tensor {tensor.name!r} overlaps the one before it.")
        if tensor.start > reached:
            raise UnsafeModel(f"{file} has a hole of {tensor.start - reached} bytes before tensor {tensor.name!r}.")
        if tensor.end > file_size:
            raise UnsafeModel(
                f"{file} is cut off: tensor {tensor.name!r} ends at byte {tensor.end}, the file at {file_size}. "
                "Fetch it again."
            )
        reached = tensor.end
    if reached != file_size:
        raise UnsafeModel(f"{file} has {file_size - reached} bytes behind its last tensor that belong to none.")
