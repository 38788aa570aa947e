"""Array file: a `.npy` file that is written block by block; `np.load` maps it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def map_array(path: Path) -> npt.NDArray[Any]:
    """Return the array of a `.npy` file, mapped: pages are read when they are looked at.

    It is a plain array: indexing np.memmap itself costs several times as much.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no such array, or less than it says.
    """
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


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
