"""Array file: a `.npy` file that is written block by block, and mapped when it is read.

`np.load` maps as well, but through Python's `mmap`, which keeps a file handle for each mapping (it
need not from 3.13 on, `trackfd`). A segment has twenty arrays, so that fifty stores would take all
of the 1,024 handles that a process is usually given.
"""

from __future__ import annotations

import ctypes
import errno
import math
import mmap
import os
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_c = ctypes.CDLL(None, use_errno=True)
_c.mmap.restype = ctypes.c_void_p
_c.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
)  # fmt: skip
_c.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t
_MAP_FAILED = ctypes.c_void_p(-1).value


def map_array(path: Path) -> npt.NDArray[Any]:
    """Return the array of a `.npy` file, mapped: pages are read when they are looked at.

    It is read-only, holds no file handle, and is a plain array: indexing np.memmap itself costs
    several times as much.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no such array, or less than it says.
        MemoryError: The process has as many mappings as it may.
    """
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"{path.name} has version {version} of the format, not (1, 0)")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        start = stream.tell()
        past = start + math.prod(shape) * dtype.itemsize
        size = os.fstat(stream.fileno()).st_size
        if dtype.hasobject or past > size:
            raise ValueError(f"{path.name} has {size} bytes, not {past} for {dtype} {shape}")
        mapped = np.asarray(_Mapping(stream.fileno(), past))
    return mapped[start:].view(dtype).reshape(shape, order="F" if is_fortran else "C")


class _Mapping:
    """The first bytes of an open file, mapped; numpy holds it for as long as an array needs it."""

    def __init__(self, handle: int, size: int) -> None:
        address = _c.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, handle, 0)
        if address == _MAP_FAILED:
            code = ctypes.get_errno()
            if code == errno.ENOMEM:
                raise MemoryError(
                    "no more files can be mapped: the process has as many mappings as it may; "
                    "raise that with: sysctl vm.max_map_count"
                )
            raise OSError(code, os.strerror(code))
        # Not at exit, when a thread may still look at it.
        weakref.finalize(self, _c.munmap, address, size).atexit = False
        self.__array_interface__ = {
            "version": 3,
            "shape": (size,),
            "typestr": "|u1",
            "data": (address, True),  # read-only
        }


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a whole array, as `np.save` does.

    Raises:
        OSError: It could not be written, and why; `np.save` says only that it was not.
    """
    with ArrayFile(path, array.shape, array.dtype) as file:
        file.append(array)


class ArrayFile(AbstractContextManager["ArrayFile"]):
    """Writes an array whose rows arrive in blocks; nothing of it is held. One thread at a time.

    Args:
        path: The file; made, or written anew.
        shape: Of the whole array, rows first; None rows are counted as they come.
        dtype: Of its values.
    """

    def __init__(self, path: Path, shape: Sequence[int | None], dtype: npt.DTypeLike) -> None:
        self._path = path
        self._shape = tuple(shape)
        self._dtype = np.dtype(dtype)
        self._rows = 0
        self._stream = path.open("wb")
        self._write_header()

    def append(self, block: npt.NDArray[Any]) -> None:
        """Write the next rows.

        Raises:
            ValueError: They are of another shape than the array's, or too many.
        """
        most = self._shape[0]
        is_too_many = most is not None and self._rows + len(block) > most
        if block.shape[1:] != self._shape[1:] or is_too_many:
            raise ValueError(
                f"{self._path.name} takes {self._shape}; after {self._rows} rows came {block.shape}"
            )
        self._stream.write(np.ascontiguousarray(block, self._dtype).data)
        self._rows += len(block)

    def __exit__(self, error: object, *_more: object) -> None:
        with self._stream:
            if self._shape[0] is None:
                self._stream.seek(0)
                self._write_header()
        if error is None and self._shape[0] not in (None, self._rows):
            raise ValueError(f"{self._path.name} takes {self._shape[0]} rows, got {self._rows}")

    def _write_header(self) -> None:
        # NumPy leaves room in the header for an axis of 21 digits, so this one can be overwritten.
        rows, *others = self._shape
        shape = (self._rows if rows is None else rows, *others)
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, header)
