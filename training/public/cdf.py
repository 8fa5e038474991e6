"""CDF: what Human3.6M uses of NASA's Common Data Format 3, one variable of numbers.

Plain or gzipped; written after the "CDF Internal Format Description" of version 3. The reasons
against `cdflib` are in ``training/decisions/019-an-own-reader-of-cdf.md``.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64
from training.errors import DatasetError

MAGIC = b"\xcd\xf3\x00\x01"
PLAIN = b"\x00\x00\xff\xff"
PACKED = b"\xcc\xcc\x00\x01"
BIG_ENDIAN = {1, 2, 5, 7, 9, 11, 12}
LITTLE_ENDIAN = {4, 6, 13, 16, 17}
NUMBER_FORMATS = {21: "f4", 44: "f4", 22: "f8", 45: "f8"}
# Kinds of records: indices of values, values, gzipped values.
INDEX, VALUES, GZIPPED = 6, 7, 13
GZIP = 5
ROWS_FIRST, COMPRESSED = 1, 4
MAX_NAME_BYTES = 256
MAX_BYTES = 1 << 28
"""A file that unpacks to more than this is none of the set's: they have 3 MB."""


def read_variable(path: Path, name: str) -> F64:
    """Read one variable.

    Returns
    -------
    values : (records, ...)
        With the dimensions that the file gives it.

    Raises
    ------
    DatasetError
        If the file is missing, damaged, of another version, or has no such variable of numbers.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file '{path}'. Unpack the set's poses there.") from error
    if data[:4] != MAGIC or data[4:8] not in (PLAIN, PACKED):
        raise DatasetError(
            f"'{path}' is no CDF file of version 3. Fetch it again as it was published."
        )
    try:
        return _find_variable(_unpack(data), name)
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise DatasetError(
            f"'{path}' is damaged or not as published: {error}. Fetch it again."
        ) from error


def _unpack(data: bytes) -> bytes:
    """Return the file as if it had never been compressed as a whole."""
    if data[4:8] == PLAIN:
        return data
    (parameters,) = struct.unpack_from(">q", data, 8 + 12)
    _demand_gzip(data, parameters)
    return data[:8] + _inflate(data[8 + 32 :])


@dataclass(frozen=True, slots=True, eq=False)
class _Content:
    """A file's bytes, never compressed as a whole, and how its values are laid out."""

    data: bytes
    byte_order: str
    rows_first: bool


def _find_variable(data: bytes, name: str) -> F64:
    """Find a variable and put its records together."""
    (general,) = struct.unpack_from(">q", data, 8 + 12)
    encoding, flags = struct.unpack_from(">ii", data, 8 + 28)
    if encoding not in BIG_ENDIAN | LITTLE_ENDIAN:
        raise ValueError(
            f"its numbers are written in an order (number {encoding}) that is not supported"
        )
    content = _Content(data, "<" if encoding in LITTLE_ENDIAN else ">", bool(flags & ROWS_FIRST))
    (variable,) = struct.unpack_from(">q", data, general + 20)
    for at in _iter_chain(data, variable):
        found = data[at + 84 : at + 84 + MAX_NAME_BYTES].split(b"\0")[0].decode("ascii", "replace")
        if found == name:
            return _read_values(content, at)
    raise ValueError(f"it holds no variable '{name}'")


def _read_values(content: _Content, at: int) -> F64:
    """Read the records of the variable that is described at an offset."""
    data = content.data
    kind, last, indices = struct.unpack_from(">iiq", data, at + 20)
    (flags,) = struct.unpack_from(">i", data, at + 44)
    (parameters,) = struct.unpack_from(">q", data, at + 72)
    (axes,) = struct.unpack_from(">i", data, at + 340)
    shape = struct.unpack_from(f">{axes}i", data, at + 344)
    if kind not in NUMBER_FORMATS:
        raise ValueError(f"the variable is of kind {kind}, not of numbers")
    if flags & COMPRESSED:
        _demand_gzip(data, parameters)
    stored = np.dtype(content.byte_order + NUMBER_FORMATS[kind])
    size, records = math.prod(shape), last + 1
    if min(shape, default=1) < 1 or records < 0 or size * records * stored.itemsize > MAX_BYTES:
        raise ValueError(f"it promises {records} records of {shape}")
    values = np.full((records, size), np.nan)
    for first, stop, block in _iter_blocks(data, indices):
        values[first:stop] = np.frombuffer(block, stored, (stop - first) * size).reshape(-1, size)
    if content.rows_first:
        return values.reshape(records, *shape)
    return np.moveaxis(
        values.reshape(records, *shape[::-1]), range(1, axes + 1), range(axes, 0, -1)
    )


def _iter_blocks(data: bytes, indices: int) -> Iterator[tuple[int, int, bytes]]:
    """Find the blocks of records: the first, one more than the last, and their bytes."""
    for at in _iter_chain(data, indices):
        entries, used = struct.unpack_from(">ii", data, at + 20)
        table = at + 28
        firsts = struct.unpack_from(f">{entries}i", data, table)
        lasts = struct.unpack_from(f">{entries}i", data, table + 4 * entries)
        places = struct.unpack_from(f">{entries}q", data, table + 8 * entries)
        for first, last, place in list(zip(firsts, lasts, places))[:used]:
            size, kind = struct.unpack_from(">qi", data, place)
            if kind == INDEX and place > at:  # an index of indices is behind the one that names it
                yield from _iter_blocks(data, place)
            elif kind == GZIPPED:
                yield first, last + 1, _inflate(data[place + 24 : place + size])
            elif kind == VALUES:
                yield first, last + 1, data[place + 12 : place + size]
            else:
                raise ValueError(f"a block of values is of kind {kind}")


def _iter_chain(data: bytes, first: int) -> Iterator[int]:
    """Follow a chain of records, each of which names the offset of the next; 0 ends it."""
    seen: set[int] = set()
    while first > 0:
        if first in seen:
            raise ValueError("its records go in a circle")
        seen.add(first)
        yield first
        (first,) = struct.unpack_from(">q", data, first + 12)


def _demand_gzip(data: bytes, parameters: int) -> None:
    """Refuse ways of compression that the set does not use."""
    (way,) = struct.unpack_from(">i", data, parameters + 12)
    if way != GZIP:
        raise ValueError(f"it is compressed in way {way}, and only gzip is known here")


def _inflate(packed: bytes) -> bytes:
    """Unpack gzipped bytes."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    unpacked = unpacking.decompress(packed, MAX_BYTES)
    if not unpacking.eof:
        raise ValueError("its compressed part is cut short")
    return unpacked
