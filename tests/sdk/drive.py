"""Drive: call every method of one version of openai-python against a server, and check results.

    python drive.py BASE_URL        in an environment with the version to be driven

Prints one JSON object: `sdk`, `version`, and `methods`, which maps each method, in the names of
today's Python SDK, to "ok", "failed: why" or "absent" (not in this version). Runs on Python 3.11
with openai alone, from 1.30 on.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import checks_files  # noqa: F401  # each adds its checks to CHECKS
import checks_responses  # noqa: F401
import checks_runs  # noqa: F401
import checks_threads  # noqa: F401
import checks_vector_stores  # noqa: F401
import openai
from session import CHECKS, RESOURCES, Session, find_resource, list_methods

HERE = Path(__file__).parent


def drive(base_url: str) -> dict[str, str]:
    """Return what each method came to."""
    session = Session(base_url)
    present = set()
    for name in RESOURCES:
        target = find_resource(session.client, name)
        if target is not None:
            present |= list_methods(target, name)
    if hasattr(session, "beta_chat"):
        present |= {"chat.completions.parse", "chat.completions.stream"}
    outcome = dict.fromkeys(sorted(present), "failed: not driven")
    for method, check in CHECKS:
        if method not in present and not method.startswith("("):
            outcome[method] = "absent"
            continue
        session.called.clear()
        try:
            check(session)
        except Exception as error:  # noqa: BLE001  # every kind of failure is a line of the report
            frames = traceback.extract_tb(error.__traceback__)
            place = next(f for f in reversed(frames) if Path(f.filename).parent == HERE)
            where = f"{Path(place.filename).name}:{place.lineno}"
            outcome[method] = f"failed: {type(error).__name__} ({where}): {error}"[:600]
            continue
        was_called = method in session.called or method.startswith("(")
        outcome[method] = "ok" if was_called else "failed: the check does not call it"
    return outcome


if __name__ == "__main__":
    found = drive(sys.argv[1])
    print(json.dumps({"sdk": "python", "version": openai.__version__, "methods": found}))
