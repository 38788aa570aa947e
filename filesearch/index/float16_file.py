"""Float16 file: the vectors of a segment, written block by block, mapped when read.

The file is a FAISS scalar-quantised index as `faiss.write_index` writes one, so FAISS searches it
exactly where it lies. A float16 takes half the memory of a float32; on unit vectors the scores
differ by less than 1e-3.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from filesearch.types import FloatMatrix, FloatVector, IntArray

FILE_NAME = "vectors.faiss"
BYTES_PER_VALUE = 2
_SIZE_BYTES = 8  # the last field of the header: how many bytes of codes follow


def write_float16(
    directory: Path, blocks: Iterable[FloatMatrix], *, count: int, dimension: int
) -> None:
    """Write `vectors.faiss` to `directory`; memory is bounded by one block.

    Args:
        directory: Exists already. The caller makes the file durable.
        blocks: float32 (n, dimension) each, any n; row i of all of them together is row i here.
        count: Rows of all blocks together; may be 0.
        dimension: At least 1.

    Raises:
        ValueError: The blocks hold another number of rows, or rows of another dimension.
    """
    index = _empty_index(dimension)
    index.ntotal = count
    header = faiss.serialize_index(index).tobytes()[:-_SIZE_BYTES]
    written = 0
    with (directory / FILE_NAME).open("wb") as stream:
        stream.write(header)
        stream.write((count * dimension * BYTES_PER_VALUE).to_bytes(_SIZE_BYTES, "little"))
        for block in blocks:
            if block.ndim != 2 or block.shape[1] != dimension:
                raise ValueError(f"a block has shape {block.shape}, not (n, {dimension})")
            if len(block):
                stream.write(index.sa_encode(np.ascontiguousarray(block, np.float32)).data)
            written += len(block)
    if written != count:
        raise ValueError(f"the blocks hold {written} vectors, not the {count} announced")


def open_float16(directory: Path) -> faiss.IndexScalarQuantizer:
    """Map the index that lies in `directory`: nothing is read before it is looked at.

    Raises:
        RuntimeError: FAISS cannot read the file, or it holds another kind of index.
    """
    index = faiss.read_index(str(directory / FILE_NAME), faiss.IO_FLAG_MMAP_IFC)
    if not isinstance(index, faiss.IndexScalarQuantizer):
        raise RuntimeError(f"holds {type(index).__name__}, not IndexScalarQuantizer")  # noqa: TRY004
    return index


def values_of(index: faiss.IndexScalarQuantizer) -> npt.NDArray[np.float16]:
    """Return the vectors of such an index where FAISS has them: float16 (n, dimension), read-only.

    The index must outlive the array. A mapping of one's own would have each page looked up anew.
    """
    count, dimension = int(index.ntotal), int(index.d)
    if count == 0:
        return np.empty((0, dimension), np.float16)
    codes = faiss.rev_swig_ptr(index.codes.data(), count * dimension * BYTES_PER_VALUE)
    values: npt.NDArray[np.float16] = codes.view(np.float16).reshape(count, dimension)
    values.flags.writeable = False
    return values


def compare_rows(
    index: faiss.IndexScalarQuantizer, rows: IntArray, query: FloatVector
) -> FloatVector:
    """Return the inner products of some rows with `query`: float32 (n,), in the order of `rows`.

    They are copied as they lie and compared there: less than half the time that it takes to make
    them float32, and no product for BLAS.
    """
    copied = _empty_index(int(index.d))
    copied.add_sa_codes(values_of(index)[rows].view(np.uint8))
    scores, places = copied.search(query[np.newaxis, :], len(rows))
    found = np.empty(len(rows), np.float32)
    found[places[0]] = scores[0]
    return found


def _empty_index(dimension: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
