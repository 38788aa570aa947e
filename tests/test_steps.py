"""Steps of a search: every one is done, in order, whatever the other threads are at."""

import threading

import pytest

from filesearch import steps as module
from filesearch.steps import run_steps


@pytest.fixture(params=[1, 2, 5])
def cores(request, monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: request.param)
    return request.param


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_results_come_in_the_order_of_the_steps(cores, count):
    assert run_steps([lambda i=i: i * i for i in range(count)]) == [i * i for i in range(count)]


def test_steps_run_at_the_same_time(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    assert sorted(run_steps([both.wait, both.wait])) == [0, 1]


def test_the_calling_thread_does_all_where_the_others_are_busy(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 2)
    done = threading.Event()
    waiting = [module._pool(2).submit(done.wait, 20) for _ in range(2)]
    try:
        names = run_steps([lambda: threading.current_thread().name] * 5)
    finally:
        done.set()
    assert names == [threading.current_thread().name] * 5
    assert all(future.result() for future in waiting)


@pytest.mark.parametrize("failing", range(4))
def test_what_a_step_raises_is_raised(cores, failing):
    def step(number):
        if number == failing:
            raise RuntimeError(f"step {number} cannot read its file")
        return number

    with pytest.raises(RuntimeError, match=f"step {failing} cannot"):
        run_steps([lambda i=i: step(i) for i in range(4)])
