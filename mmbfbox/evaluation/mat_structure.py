"""Is a mat file of version 5 whole? scipy's compiled reader can crash the process on one that is not.

Compressed variables carry a checksum; uncompressed ones, as in the mats of AFW and PASCAL Face, do not.
Layout: MathWorks, "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import struct
from math import prod

HEADER = 128
MATRIX, COMPRESSED = 14, 15
INT8, INT32, UINT32 = 1, 5, 6
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Bytes of one value by the type of an element."""
CELL, STRUCT, CHAR, LAST_NUMERIC = 1, 2, 4, 15
DEEPEST = 32
COMPLEX = 0x800


def problem_of_mat(data: bytes) -> str | None:
    """What is wrong with the structure of a mat file, or None if nothing is.

    Only uncompressed variables are looked into; other versions are left to the reader.

    Args:
        data: the whole file.
    """
    if len(data) < HEADER:
        return f'it has only {len(data)} bytes'
    if data[124:128] != b'\x00\x01IM':
        return None if data[126:128] == b'MI' else 'its header is not that of a mat file'
    try:
        position = HEADER
        while position < len(data):
            kind, start, stop, position = _element(data, position, len(data))
            if kind == MATRIX:
                _check_matrix(data, start, stop, 0)
            elif kind != COMPRESSED:
                raise ValueError(f'a variable of type {kind}')
    except (ValueError, struct.error) as error:
        return f'its structure is damaged at or after byte {position}: {error}'
    return None


def _element(data: bytes, position: int, limit: int) -> tuple[int, int, int, int]:
    """Type, start and stop of the element at a position, and the position of the next one."""
    if position + 8 > limit:
        raise ValueError('it ends within an element')
    kind, size = struct.unpack_from('<II', data, position)
    if kind >> 16:  # a small element: size and type share the first word
        kind, size = kind & 0xFFFF, kind >> 16
        start, following = position + 4, position + 8
        if size > 4:
            raise ValueError(f'a small element of {size} bytes')
    else:
        start = position + 8
        following = start + size + (-size % 8 if kind != COMPRESSED else 0)
    if start + size > limit:
        raise ValueError(f'an element of {size} bytes does not fit')
    return kind, start, start + size, min(following, limit)


def _values(data: bytes, position: int, limit: int, wanted: int) -> tuple[bytes, int]:
    """Content of the element at a position, which must be of the wanted type, and the next position."""
    kind, start, stop, position = _element(data, position, limit)
    if kind != wanted:
        raise ValueError(f'an element of type {kind} where {wanted} belongs')
    return data[start:stop], position


def _check_matrix(data: bytes, position: int, limit: int, depth: int) -> None:
    """Raise ValueError if the matrix between position and limit is not whole."""
    if position == limit:  # an empty matrix, as in unused fields
        return
    if depth > DEEPEST:
        raise ValueError('it is nested too deeply')
    flags, position = _values(data, position, limit, UINT32)
    shape, position = _values(data, position, limit, INT32)
    _, position = _values(data, position, limit, INT8)
    if len(flags) != 8 or len(shape) < 8 or len(shape) % 4:
        raise ValueError('a matrix without flags or shape')
    sides = struct.unpack(f'<{len(shape) // 4}i', shape)
    # Every value takes a byte at least, every cell a tag.
    if min(sides) < 0 or prod(sides) > len(data):
        raise ValueError(f'a matrix of shape {sides}')
    (word,) = struct.unpack_from('<I', flags)
    kind, parts = word & 0xFF, prod(sides)
    if kind in (CELL, STRUCT):
        if kind == STRUCT:
            length, position = _values(data, position, limit, INT32)
            names, position = _values(data, position, limit, INT8)
            (each,) = struct.unpack('<i', length)
            if each <= 0 or len(names) % each:
                raise ValueError('a struct with damaged names')
            parts *= len(names) // each
        for _ in range(parts):
            inner, start, stop, position = _element(data, position, limit)
            if inner != MATRIX:
                raise ValueError(f'an element of type {inner} where a matrix belongs')
            _check_matrix(data, start, stop, depth + 1)
    elif CHAR <= kind <= LAST_NUMERIC and kind != 5:
        for _ in range(2 if word & COMPLEX else 1):
            stored, start, stop, position = _element(data, position, limit)
            if stored not in SIZES or (stop - start) != parts * SIZES[stored]:
                raise ValueError(f'a matrix of shape {sides} with {stop - start} bytes')
    else:
        raise ValueError(f'a matrix of class {kind}')
