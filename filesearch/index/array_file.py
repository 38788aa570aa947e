"""Array file: a `.npy` file of known shape, written block by block; `np.load` maps it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class ArrayFile(AbstractContextManager["ArrayFile"]):
    """Writes an array whose rows arrive in blocks; nothing of it is held. One thread at a time.

    Args:
        path: The file; made, or written anew.
        shape: Of the whole array, rows first.
        dtype: Of its values.
    """

    def __init__(self, path: Path, shape: Sequence[int], dtype: npt.DTypeLike) -> None:
        self._path = path
        self._shape = tuple(shape)
        self._dtype = np.dtype(dtype)
        self._rows = 0
        self._stream = path.open("wb")
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(self._stream, header)

    def append(self, block: npt.NDArray[Any]) -> None:
        """Write the next rows.

        Raises:
            ValueError: They are of another shape than the array's, or too many.
        """
        if block.shape[1:] != self._shape[1:] or self._rows + len(block) > self._shape[0]:
            raise ValueError(
                f"{self._path.name} takes {self._shape}; after {self._rows} rows came {block.shape}"
            )
        self._stream.write(np.ascontiguousarray(block, self._dtype).data)
        self._rows += len(block)

    def __exit__(self, error: object, *_more: object) -> None:
        self._stream.close()
        if error is None and self._rows != self._shape[0]:
            raise ValueError(f"{self._path.name} takes {self._shape[0]} rows, got {self._rows}")
