"""A data set as tokens, in one file: written once from front to back, read row by row.

    values     of every token 2 · id, and 1 more where it is learned; 2 bytes each where all ids are below 32,768,
               else 4; little-endian
    rows       24 bytes each: values up to its end (8), digest of the record's content (8), line (4), file (4)
    manifest   JSON: counts, names of files, SHA-256 of values and rows
    ending     length and SHA-256 of the manifest, and a mark; a file without is torn

A row is read with `pread`, not through a mapping: mapped pages would count as memory of the process until the whole
file is in it. The system's page cache makes the second reading of a row as fast.

Cost   writing: a buffer of `_BUFFERED_TOKENS`; opening: one pass to compare digests (about 1 s a GB), no memory;
       a row: two reads, some 5 µs. On disk 2 or 4 bytes a token and 24 a row.
"""

import hashlib
import json
import os
import shutil
import struct
import tempfile
import weakref
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast, overload

import numpy as np
from numpy.typing import NDArray

from tanren.data.records import RecordSource
from tanren.training.tokenization import TokenSequence

_MARK: Final = b"tanren tokens 1\n"
_ENDING: Final = struct.Struct("<Q32s16s")
_ROW: Final = struct.Struct("<QQII")
_ROW_FIELDS: Final = np.dtype([("end", "<u8"), ("content", "<u8"), ("line", "<u4"), ("file", "<u4")])
_NARROW_IDS: Final = 1 << 15
_BUFFERED_TOKENS: Final = 1 << 18
_BLOCK_BYTES: Final = 1 << 20
_BLOCK_ROWS: Final = 1 << 16


class TokenSetDamaged(Exception):
    """The file is torn, or other than it was written."""


class TokenSetWriter:
    """Writes one set. The file is no set before `finish`.

    Takes    id_limit: above every id of the vocabulary; it decides how wide a value is.
    """

    def __init__(self, path: Path, *, id_limit: int) -> None:
        self._values = path.open("wb", buffering=0)
        # Without a name: whatever happens, nothing of it is left.
        self._rows = tempfile.TemporaryFile(dir=path.parent, buffering=0)  # noqa: SIM115 (closed by close)
        self._dtype = np.dtype("<u2" if id_limit <= _NARROW_IDS else "<u4")
        self._id_limit = id_limit
        self._ids: array[int] = array("i")
        self._mask = bytearray()
        self._row_bytes = bytearray()
        self._files: dict[str, int] = {}
        self._values_hash, self._rows_hash = hashlib.sha256(), hashlib.sha256()
        self._row_count = self._token_count = self._target_count = self._longest = 0

    def add(self, sequence: TokenSequence, *, content: int) -> None:
        """Takes   content: 64 bits of the record's digest; equal records have equal ones."""
        self._ids.extend(sequence.ids)
        self._mask += sequence.loss_mask
        length = len(sequence.ids)
        self._token_count += length
        self._target_count += sequence.target_count
        self._longest = max(self._longest, length)
        self._row_count += 1
        file = self._files.setdefault(sequence.source.file, len(self._files))
        self._row_bytes += _ROW.pack(self._token_count, content, sequence.source.line, file)
        if len(self._ids) >= _BUFFERED_TOKENS or len(self._row_bytes) >= _BLOCK_BYTES:
            self._flush()

    def finish(self) -> None:
        """The file is whole and on the disk when this returns."""
        self._flush()
        self._rows.seek(0)
        shutil.copyfileobj(self._rows, self._values, _BLOCK_BYTES)
        manifest = json.dumps(
            {
                "rows": self._row_count,
                "tokens": self._token_count,
                "targets": self._target_count,
                "longest": self._longest,
                "value_bytes": self._dtype.itemsize,
                "files": list(self._files),
                "values_sha256": self._values_hash.hexdigest(),
                "rows_sha256": self._rows_hash.hexdigest(),
            }
        ).encode()
        _write(self._values, manifest + _ENDING.pack(len(manifest), hashlib.sha256(manifest).digest(), _MARK))
        os.fsync(self._values.fileno())
        self.close()

    def close(self) -> None:
        self._values.close()
        self._rows.close()

    def _flush(self) -> None:
        ids = np.frombuffer(self._ids, np.int32) if self._ids else np.zeros(0, np.int32)
        assert not ids.size or (ids.min() >= 0 and ids.max() < self._id_limit), "an id outside the vocabulary"
        values = ids.astype(self._dtype)
        values <<= 1
        values |= np.frombuffer(bytes(self._mask), np.uint8)
        for file, digest, written in (
            (self._values, self._values_hash, values.tobytes()),
            (self._rows, self._rows_hash, bytes(self._row_bytes)),
        ):
            digest.update(written)
            _write(file, written)
        self._ids, self._mask, self._row_bytes = array("i"), bytearray(), bytearray()


class TokenSet(Sequence[TokenSequence]):
    """A set on disk. Holds no row; whoever asks for one gets a new copy. Slices are lists.

    Stays readable when its file is replaced or removed. Raises TokenSetDamaged at construction.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)
        manifest, manifest_bytes = self._manifest()
        self._count = int(manifest["rows"])
        self.token_count = int(manifest["tokens"])
        self.target_count = int(manifest["targets"])
        self.longest = int(manifest["longest"])
        """Tokens of the longest row."""
        self._files = cast(list[str], manifest["files"])
        self._value_bytes = int(manifest["value_bytes"])
        self._dtype = np.dtype(f"<u{self._value_bytes}")
        self._rows_at = self.token_count * self._value_bytes
        rows_bytes = self._count * _ROW.size
        if self._size != self._rows_at + rows_bytes + manifest_bytes + _ENDING.size:
            raise TokenSetDamaged("its size is another")
        for start, length, expected in (
            (0, self._rows_at, manifest["values_sha256"]),
            (self._rows_at, rows_bytes, manifest["rows_sha256"]),
        ):
            if self._sha256(start, length) != expected:
                raise TokenSetDamaged("its digest is another")
        self.digest = hashlib.sha256(f"{manifest['values_sha256']} {manifest['rows_sha256']}".encode()).hexdigest()
        """SHA-256 of all ids, masks, lengths and places, in order."""

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> TokenSequence: ...
    @overload
    def __getitem__(self, index: slice) -> list[TokenSequence]: ...
    def __getitem__(self, index: int | slice) -> TokenSequence | list[TokenSequence]:
        if isinstance(index, slice):
            return [self._row(i) for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"row {index} of {self._count}")
        return self._row(index % self._count)

    def source(self, index: int) -> RecordSource:
        """Where the record of a row stands."""
        line, file = _ROW.unpack(self._read(self._rows_at + index * _ROW.size, _ROW.size))[2:]
        return RecordSource(file=self._files[file], line=line)

    def contents(self) -> Iterator[NDArray[np.uint64]]:
        """64 bits of the digest of every row's content, in order, some ten thousand rows at a time."""
        for start in range(0, self._count, _BLOCK_ROWS):
            count = min(_BLOCK_ROWS, self._count - start)
            block = self._read(self._rows_at + start * _ROW.size, count * _ROW.size)
            yield np.frombuffer(block, _ROW_FIELDS)["content"].astype(np.uint64)

    def _row(self, index: int) -> TokenSequence:
        before = 1 if index else 0
        rows = self._read(self._rows_at + (index - before) * _ROW.size, (1 + before) * _ROW.size)
        end, _, line, file = _ROW.unpack_from(rows, before * _ROW.size)
        start = _ROW.unpack_from(rows)[0] if before else 0
        values = np.frombuffer(
            self._read(start * self._value_bytes, (end - start) * self._value_bytes), self._dtype
        ).astype(np.int32)
        ids: array[int] = array("i")
        ids.frombytes((values >> 1).tobytes())
        return TokenSequence(
            ids=ids,
            loss_mask=(values & 1).astype(np.uint8).tobytes(),
            source=RecordSource(file=self._files[file], line=line),
        )

    def _manifest(self) -> tuple[dict[str, Any], int]:
        """And its length in the file."""
        self._size = os.fstat(self._descriptor).st_size
        if self._size < _ENDING.size:
            raise TokenSetDamaged("it has no ending")
        length, expected, mark = _ENDING.unpack(self._read(self._size - _ENDING.size, _ENDING.size))
        if mark != _MARK or length > self._size - _ENDING.size:
            raise TokenSetDamaged("it has no ending")
        text = self._read(self._size - _ENDING.size - length, length)
        if hashlib.sha256(text).digest() != expected:
            raise TokenSetDamaged("its manifest is another")
        return json.loads(text), length

    def _sha256(self, start: int, length: int) -> str:
        digest = hashlib.sha256()
        while length:
            block = self._read(start, min(length, _BLOCK_BYTES))
            digest.update(block)
            start, length = start + len(block), length - len(block)
        return digest.hexdigest()

    def _read(self, start: int, length: int) -> bytes:
        found = os.pread(self._descriptor, length, start)
        while len(found) < length:
            more = os.pread(self._descriptor, length - len(found), start + len(found))
            if not more:
                raise TokenSetDamaged("it ends early")
            found += more
        return found


def _write(file: Any, data: bytes) -> None:
    """All of it; an unbuffered file may take less at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
