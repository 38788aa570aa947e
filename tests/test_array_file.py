"""Array file: what is mapped reads as what was saved, and costs no file handle."""

from __future__ import annotations

import ctypes
import errno
import gc
from pathlib import Path

import numpy as np
import pytest

from filesearch.index import array_file as module
from filesearch.index.array_file import map_array, save_array

HANDLES = Path("/dev/fd")
MAPS = Path("/proc/self/maps")


def saved(tmp_path, array):
    path = tmp_path / "a.npy"
    save_array(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.float16])
@pytest.mark.parametrize("shape", [(0,), (3,), (0, 4), (2, 3), (3, 0)])
def test_what_is_mapped_is_what_was_saved(tmp_path, shape, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    mapped = map_array(saved(tmp_path, array))
    assert (type(mapped), mapped.dtype, mapped.shape) == (np.ndarray, array.dtype, shape)
    assert np.array_equal(mapped, array)


def test_the_order_of_numpys_own_files_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    np.save(tmp_path / "a.npy", array)
    assert np.array_equal(map_array(tmp_path / "a.npy"), array)


def test_what_is_mapped_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        map_array(saved(tmp_path, np.ones(3)))[0] = 2


def test_a_mapped_array_holds_no_file_handle(tmp_path):
    path = saved(tmp_path, np.ones(3))
    before = len(list(HANDLES.iterdir()))
    held = [map_array(path) for _ in range(50)]
    assert len(list(HANDLES.iterdir())) == before
    assert all(array.sum() == 3 for array in held)


@pytest.mark.skipif(not MAPS.exists(), reason="no /proc/self/maps: Linux alone has it")
def test_a_mapping_lasts_as_long_as_a_part_of_its_array(tmp_path):
    path = saved(tmp_path, np.arange(100_000))
    part = map_array(path)[5:7]
    path.unlink()
    gc.collect()
    assert part.tolist() == [5, 6]
    assert str(path) in MAPS.read_text()
    del part
    assert str(path) not in MAPS.read_text()


@pytest.mark.parametrize("left", [0, 5, 100, 128 + 23])
def test_a_file_that_holds_less_than_it_says_is_refused(tmp_path, left):
    path = saved(tmp_path, np.ones(3))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"."):
        map_array(path)


def test_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="object"):
        map_array(tmp_path / "a.npy")


def test_too_many_mappings_are_told_from_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    def fail(*_arguments):
        ctypes.set_errno(errno.ENOMEM)
        return ctypes.c_void_p(-1).value

    path = saved(tmp_path, np.ones(3))
    monkeypatch.setattr(module._c, "mmap", fail)
    with pytest.raises(MemoryError, match="max_map_count"):
        map_array(path)
