"""Many clients at once, and a kill in the midst of work: the scripts that show more of both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(script, *arguments):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FSEARCH_")}
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments],
        capture_output=True,
        text=True,
        env={**environ, "PYTHONPATH": str(SCRIPTS.parent)},
        timeout=110,
    )


def test_no_event_is_lost_with_many_clients_at_once():
    done = run("load_server.py", "--clients", "30", "--seconds", "2", "--json")
    found = json.loads(done.stdout)
    assert found["errors"] == {}
    assert found["events"] > 100


def test_a_killed_server_keeps_what_it_promised():
    done = run("crash_server.py", "--rounds", "2", "--batches", "4", "--runs", "6")
    assert done.returncode == 0, done.stdout + done.stderr
