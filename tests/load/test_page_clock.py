from __future__ import annotations

import subprocess
import sys

WATCHED = """
import os, time
from filesearch.load.process import page_clock
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
    assert run("page_clock.begin('a.pdf#2', 0.1); time.sleep(20); print('late')") == "a.pdf#2"


def test_pages_in_time_are_left_alone() -> None:
    code = (
        "for number in range(4):\n"
        "    page_clock.begin(page_clock.page_key('a.pdf', number), 0.3)\n"
        "    time.sleep(0.1); page_clock.end()\n"
        "time.sleep(0.5); print('all')"
    )
    assert run(code) == "all"


def test_the_time_between_pages_does_not_count() -> None:
    assert run("page_clock.begin('a', 0.1); page_clock.end(); time.sleep(0.4); print('all')") == (
        "all"
    )
