from __future__ import annotations

import subprocess
import sys

WATCHED = """
import os, time
from types import SimpleNamespace
from filesearch.load.process import page_clock
now = 0
page_clock.time = SimpleNamespace(monotonic=lambda: now, sleep=time.sleep)
def stay(seconds):  # time passes only here, however long the machine takes
    global now
    now += seconds
    time.sleep(0.2)
def stop(page):
    print(page, flush=True)
    os._exit(0)
page_clock.watch(stop)
"""


def run(code: str) -> str:
    """Watching never ends, so it is tried in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_page_that_takes_too_long_is_named() -> None:
    code = "page_clock.begin('a.pdf#2', 5); stay(6); time.sleep(60); print('late')"
    assert run(code) == "a.pdf#2"


def test_pages_in_time_are_left_alone() -> None:
    code = (
        "for number in range(4):\n"
        "    page_clock.begin(page_clock.page_key('a.pdf', number), 5)\n"
        "    stay(4); page_clock.end()\n"
        "stay(60); print('all')"
    )
    assert run(code) == "all"


def test_the_time_between_pages_does_not_count() -> None:
    assert run("page_clock.begin('a', 5); page_clock.end(); stay(60); print('all')") == "all"
