"""World: one object of each kind on a server, in the states that matter to requests."""

from __future__ import annotations

import openai

WEATHER = {"type": "function", "function": {"name": "get_weather"}}


def make_world(c: openai.OpenAI) -> dict[str, str]:
    """Return ids by name; the server's model must be `scripted_model.RuleModel`."""
    ids: dict[str, str] = {}
    ids["file"] = c.files.create(file=("a.txt", b"A mug."), purpose="assistants").id
    ids["store"] = c.vector_stores.create(name="store").id
    ids["other_store"] = c.vector_stores.create().id
    batch = c.vector_stores.file_batches.create_and_poll(ids["store"], file_ids=[ids["file"]])
    ids["batch"] = batch.id
    for name, size in (("upload", 1), ("short_upload", 100), ("cancelled_upload", 1)):
        ids[name] = c.uploads.create(
            filename="a.txt", purpose="assistants", bytes=size, mime_type="text/plain"
        ).id
    ids["part"] = c.uploads.parts.create(ids["upload"], data=b"x").id
    ids["short_part"] = c.uploads.parts.create(ids["short_upload"], data=b"x").id
    c.uploads.cancel(ids["cancelled_upload"])
    ids["assistant"] = c.beta.assistants.create(model="m").id
    caller = c.beta.assistants.create(model="m", tools=[WEATHER]).id
    for prefix, assistant, said in (
        ("", ids["assistant"], "Hello"),
        ("busy_", caller, "weather in Paris and Rome"),
    ):
        thread = c.beta.threads.create(messages=[{"role": "user", "content": said}]).id
        run = c.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
        ids[f"{prefix}thread"], ids[f"{prefix}run"] = thread, run.id
    ids["message"] = c.beta.threads.messages.list(ids["thread"]).data[-1].id
    calls = run.required_action.submit_tool_outputs.tool_calls
    ids["call"], ids["second_call"] = calls[0].id, calls[1].id
    ids["response"] = c.responses.create(model="m", input="Hello").id
    ids["forgotten_response"] = c.responses.create(model="m", input="Hello", store=False).id
    ids["conversation"] = c.conversations.create().id
    return ids
