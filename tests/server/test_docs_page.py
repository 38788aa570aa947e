"""The page /docs in a browser: a real DOM, with answers that the test makes up."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from importlib.resources import files

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

LONG = "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files/of/a/long/path"
PATHS = {
    "/v1/files": {"get": {"tags": ["Files"], "summary": "List files"}},
    LONG: {
        "get": {
            "tags": ["Vector stores"],
            "parameters": [
                {"name": "a_name_of_some_length", "in": "path", "required": True},
                {"name": "kind", "in": "query", "schema": {"enum": ["one_of_some_length" * 2]}},
            ],
        }
    },
}
# The page stands in a frame as wide as a small phone; `fetch` answers what it is told to.
FRAME = """<!doctype html><html><head><style>%(css)s</style></head><body>
<input id="key"><input id="find"><main id="operations"></main>
<script>
const paths = %(paths)s;
let answers = { "openapi.json": () => Response.json({ paths }) };
window.fetch = async (url) => answers[url]();
</script><script>%(js)s</script></body></html>"""
PAGE = """<!doctype html><html><body>
<iframe id="frame" width="340" height="600" srcdoc="%(frame)s"></iframe>
<pre id="found"></pre>
<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
document.getElementById("frame").addEventListener("load", async (event) => {
  const page = event.target.contentWindow, there = page.document, found = {};
  const all = (selector) => [...there.querySelectorAll(selector)];
  await wait(50);
  for (const details of all("details.operation")) details.open = true;
  await wait(50);
  found.width = there.documentElement.scrollWidth;
  const [files, stores] = all("details.operation");
  const encoder = new TextEncoder();
  page.eval("answers")["/v1/files"] = () => {
    let count = 0;
    const body = new page.ReadableStream({ pull(stream) {
      if (count++ < 2) stream.enqueue(encoder.encode(`word ${count} `));
      else stream.error(new Error("connection lost"));
    } }, { highWaterMark: 0 });
    return new page.Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  files.querySelector("button").click();
  await wait(100);
  found.broken = files.lastChild.lastChild.textContent;
  stores.querySelector("button").click();
  await wait(100);
  found.silent = stores.lastChild.lastChild.textContent;
  const find = there.getElementById("find");
  for (const [name, words] of [["narrowed", "list files"], ["all", ""]]) {
    find.value = words;
    find.dispatchEvent(new page.Event("input"));
    found[name] = all("section h2").filter((h) => h.offsetHeight).map((h) => h.textContent);
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body></html>"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the page shows when it is used."""
    static = files("filesearch.server").joinpath("static")
    css, js = (static.joinpath(name).read_text() for name in ("docs.css", "docs.js"))
    frame = FRAME % {"css": css, "js": js, "paths": json.dumps(PATHS)}
    place = tmp_path_factory.mktemp("docs")
    page = place / "page.html"
    page.write_text(PAGE % {"frame": html.escape(frame)})
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={place / 'profile'}", "--virtual-time-budget=5000"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    shown = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(shown[1]))


def test_what_was_streamed_stays_when_the_connection_breaks(found):
    assert "word 1 word 2" in found["broken"]
    assert "broke off: connection lost" in found["broken"]


def test_a_request_without_an_answer_says_so(found):
    assert found["silent"].startswith("no answer:")


def test_a_phone_shows_the_page_without_scrolling_sideways(found):
    assert found["width"] <= 340


def test_sections_without_a_match_are_hidden(found):
    assert (found["narrowed"], found["all"]) == (["Files"], ["Files", "Vector stores"])
