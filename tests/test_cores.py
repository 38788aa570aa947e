"""Cores: what this process may use is asked of the kernel, not of the machine."""

import os

import pytest

from filesearch.cores import usable_cores


@pytest.fixture
def affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


def test_cores_it_is_bound_to_are_counted(affinity, tmp_path):
    assert usable_cores(tmp_path) == 8


@pytest.mark.parametrize(
    ("text", "cores"), [("250000 100000\n", 3), ("50000 100000\n", 1), ("max 100000\n", 8)]
)
def test_a_share_of_a_control_group_is_rounded_up(affinity, tmp_path, text, cores):
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("400000", 4), ("-1", 8)])
def test_control_groups_of_version_1_are_understood(affinity, tmp_path, quota, cores):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


def test_what_cannot_be_read_limits_nothing(affinity, tmp_path):
    (tmp_path / "cpu.max").write_text("nonsense")
    assert usable_cores(tmp_path) == 8
