"""Session: one client of any version of openai-python, and what the checks of its methods share.

The checks call resources by today's names; a `Session` finds where a version keeps them, and notes
which methods were called, so that a check cannot claim what it does not do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai

MODEL = "gpt-4o"
RESOURCES = (
    "files uploads models embeddings completions chat.completions vector_stores assistants threads "
    "responses conversations"
).split()
MUGS = "A mug may be returned within 30 days of delivery. Wholesale orders are final.\n"
KILN = "The kiln reaches 1280 degrees in nine hours. Nobody opens it on Sundays.\n"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
}
CONTENTS = "step_details.tool_calls[*].file_search.results[*].content"


class Resource:
    """A resource or method of the client that notes which methods were called, by today's names."""

    def __init__(self, target: Any, name: str, called: set[str]) -> None:
        self._target, self._name, self._called = target, name, called

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._target, attribute)
        name = f"{self._name}.{attribute}"
        if type(found).__module__.startswith("openai.resources"):
            return Resource(found, name, self._called)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._called.add(name)
            return found(*args, **kwargs)

        return call


def find_resource(client: openai.OpenAI, name: str) -> Any:
    """Return a resource wherever this version keeps it, or None."""
    if name in ("assistants", "threads"):
        return getattr(client.beta, name)
    if name == "vector_stores":
        return getattr(client, name, None) or client.beta.vector_stores
    if name == "chat.completions":
        return client.chat.completions
    return getattr(client, name, None)


def list_methods(target: Any, name: str) -> set[str]:
    """Return the methods of a resource and those below it, by today's names."""
    found = set()
    for attribute in dir(target):
        if attribute.startswith(("_", "with_")):
            continue
        value = getattr(target, attribute)
        if type(value).__module__.startswith("openai.resources"):
            found |= list_methods(value, f"{name}.{attribute}")
        elif callable(value):
            found.add(f"{name}.{attribute}")
    return found


class Session:
    """One client and what the checks share: made at first use.

    Attributes:
        client: The client itself.
        called: Methods that were called.
    """

    def __init__(self, base_url: str) -> None:
        self.client = openai.OpenAI(base_url=base_url, api_key="sk-test", timeout=30, max_retries=0)
        self.called: set[str] = set()
        self._kept: dict[str, Any] = {}
        for name in RESOURCES:
            target = find_resource(self.client, name)
            if target is not None:
                setattr(self, name.replace(".", "_"), Resource(target, name, self.called))
        beta_chat = getattr(self.client.beta, "chat", None)
        if beta_chat is not None and not hasattr(self.client.chat.completions, "stream"):
            self.beta_chat = Resource(beta_chat.completions, "chat.completions", self.called)
        elif hasattr(self.client.chat.completions, "stream"):
            self.beta_chat = self.chat_completions

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` made the first time."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def upload(self, text: str = MUGS, filename: str = "mugs.txt") -> str:
        """Return the id of a new file."""
        return self.files.create(file=(filename, text.encode()), purpose="assistants").id

    @property
    def store(self) -> str:
        """Id of a store with two files."""

        def make() -> str:
            store = self.vector_stores.create(name="shared")
            ids = [self.upload(), self.upload(KILN, "kiln.md")]
            batch = self.vector_stores.file_batches.create_and_poll(store.id, file_ids=ids)
            assert batch.file_counts.completed == 2, batch
            return store.id

        return self.kept("store", make)

    @property
    def assistant(self) -> str:
        """Id of an assistant without tools."""
        return self.kept("plain", lambda: self.assistants.create(model=MODEL).id)

    @property
    def searcher(self) -> str:
        """Id of an assistant that searches `store`."""
        return self.kept(
            "searcher",
            lambda: (
                self.assistants.create(
                    model=MODEL,
                    tools=[{"type": "file_search"}],
                    tool_resources={"file_search": {"vector_store_ids": [self.store]}},
                ).id
            ),
        )

    @property
    def caller(self) -> str:
        """Id of an assistant with one function."""
        tools = [{"type": "function", "function": WEATHER}]
        return self.kept("caller", lambda: self.assistants.create(model=MODEL, tools=tools).id)

    def thread(self, question: str = "Hello there.") -> str:
        """Return the id of a new thread with one message."""
        return self.threads.create(messages=[{"role": "user", "content": question}]).id

    def final_text(self, thread: str) -> Any:
        """Return the text of the newest message of a thread."""
        return self.threads.messages.list(thread).data[0].content[0].text

    def waiting(self, places: str = "Paris") -> Any:
        """Return a run that waits for the output of a function."""
        run = self.threads.runs.create_and_poll(
            thread_id=self.thread(f"Tell the weather in {places}."), assistant_id=self.caller
        )
        assert run.status == "requires_action", run
        return run


Check = Callable[[Session], None]
CHECKS: list[tuple[str, Check]] = []


def shows(method: str) -> Callable[[Check], Check]:
    """Mark a check as the proof of a method, or of a behaviour when there is no such method."""

    def add(check: Check) -> Check:
        CHECKS.append((method, check))
        return check

    return add


def refusal(
    kind: type[openai.APIStatusError], call: Callable[..., Any], *args: Any, **kw: Any
) -> str:
    """Return the message of the error that a call must raise."""
    try:
        call(*args, **kw)
    except kind as error:
        return str(error)
    raise AssertionError(f"accepted instead of refused with {kind.__name__}")


def outputs_for(run: Any) -> list[dict[str, str]]:
    """Return an output for each call that a run waits for."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [
        {"tool_call_id": c.id, "output": f"sunny in {json.loads(c.function.arguments)['place']}"}
        for c in calls
    ]
