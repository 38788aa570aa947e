"""Scripted server: a real server process with a model that answers by rule.

    python tests/sdk/scripted_server.py --index DIRECTORY [--port 0] [--delay SECONDS] [--judge]

Prints its base URL, with /v1, on one line, and serves until it is ended by SIGTERM or SIGINT. With
`--judge` every answer is compared with OpenAI's schema, and those that break it are printed at the
end, one JSON string a line.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from scripted_model import RuleModel

from filesearch import FileSearch
from filesearch.server.app import create_app
from filesearch.server.context import ServeOptions, Server
from filesearch.server.guard.guard import Access, guard
from filesearch.testing import HashingEmbedder


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--index", type=Path, required=True, help="directory of the index")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one [default: 0]")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds before each piece of an answer"
    )
    parser.add_argument("--judge", action="store_true", help="by OpenAI's schema")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", options.port), backlog=1024) as listener:
        fs = FileSearch(options.index, embedder=HashingEmbedder(), model=RuleModel(options.delay))
        with fs:
            server = Server(fs, ServeOptions())
            app = guard(create_app(server), server, Access()).app
            if options.judge:
                app = _judged(app)
            config = uvicorn.Config(
                app,
                log_level="warning",
                lifespan="on",
                ws="websockets-sansio",
                timeout_graceful_shutdown=5,
            )
            # uvicorn ends in order, and then sends itself once more what it was told to end by.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            # Connections wait in the listener's queue until the server takes them.
            print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
            uvicorn.Server(config).run(sockets=[listener])
    for violation in getattr(app, "violations", ()):
        print(json.dumps(violation), flush=True)


def _judged(app: Any) -> Any:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))
    from conformance import CheckedApp  # in the folder of the tests that use it most

    return CheckedApp(app)


if __name__ == "__main__":
    main()
