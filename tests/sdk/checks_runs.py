"""Checks of runs and their steps, polled and streamed; see session.py."""

from __future__ import annotations

from typing import Any

import openai
from session import CONTENTS, Session, outputs_for, refusal, shows


@shows("threads.create_and_run")
def _(s: Session) -> None:
    thread = {"messages": [{"role": "user", "content": "Hello"}]}
    run = s.threads.create_and_run(assistant_id=s.assistant, thread=thread)
    done = s.threads.runs.poll(run.id, thread_id=run.thread_id)
    assert done.status == "completed" and done.usage.total_tokens > 0, done
    events = list(s.threads.create_and_run(assistant_id=s.assistant, thread=thread, stream=True))
    names = [e.event for e in events]
    assert names[:2] == ["thread.created", "thread.run.created"], names
    assert "thread.run.completed" in names, names


@shows("threads.create_and_run_poll")
def _(s: Session) -> None:
    thread = {"messages": [{"role": "user", "content": "Hello"}]}
    run = s.threads.create_and_run_poll(assistant_id=s.assistant, thread=thread)
    assert run.status == "completed" and s.final_text(run.thread_id).value == "You said: Hello"


@shows("threads.create_and_run_stream")
def _(s: Session) -> None:
    thread = {"messages": [{"role": "user", "content": "count to 5"}]}
    with s.threads.create_and_run_stream(assistant_id=s.assistant, thread=thread) as stream:
        stream.until_done()
        [message] = stream.get_final_messages()
    assert message.content[0].text.value == "1 2 3 4 5", message


@shows("threads.runs.create")
def _(s: Session) -> None:
    thread = s.thread()
    run = s.threads.runs.create(
        thread,
        assistant_id=s.assistant,
        additional_instructions="Be brief.",
        additional_messages=[{"role": "user", "content": "And more."}],
        metadata={"a": "b"},
    )
    assert run.status in ("queued", "in_progress") and run.expires_at == run.created_at + 600, run
    s.threads.runs.poll(run.id, thread_id=thread)
    assert s.final_text(thread).value == "You said: And more."
    streamed = s.threads.runs.create(thread, assistant_id=s.assistant, stream=True)
    names = [event.event for event in streamed]
    assert names[0] == "thread.run.created" and "thread.message.delta" in names, names


@shows("threads.runs.retrieve")
def _(s: Session) -> None:
    run = s.waiting()
    assert s.threads.runs.retrieve(run.id, thread_id=run.thread_id).required_action


@shows("threads.runs.update")
def _(s: Session) -> None:
    run = s.waiting()
    changed = s.threads.runs.update(run.id, thread_id=run.thread_id, metadata={"k": "v"})
    assert changed.metadata == {"k": "v"}, changed


@shows("threads.runs.list")
def _(s: Session) -> None:
    thread = s.thread()
    made = [
        s.threads.runs.create_and_poll(thread_id=thread, assistant_id=s.assistant).id
        for _ in range(3)
    ]
    assert [run.id for run in s.threads.runs.list(thread, limit=2)] == made[::-1]


@shows("threads.runs.poll")
def _(s: Session) -> None:
    run = s.threads.runs.create(s.thread("wait 0.3 s"), assistant_id=s.assistant)
    assert s.threads.runs.poll(run.id, thread_id=run.thread_id).status == "completed"


@shows("threads.runs.cancel")
def _(s: Session) -> None:
    run = s.threads.runs.create(s.thread("wait 20 s"), assistant_id=s.assistant)
    add = s.threads.messages.create
    said = refusal(openai.BadRequestError, add, run.thread_id, role="user", content="Too early.")
    assert f"Can't add messages to {run.thread_id} while a run {run.id} is active." in said, said
    cancelling = s.threads.runs.cancel(run.id, thread_id=run.thread_id)
    assert cancelling.status in ("cancelling", "cancelled"), cancelling
    assert s.threads.runs.poll(run.id, thread_id=run.thread_id).status == "cancelled"
    waiting = s.waiting()
    s.threads.runs.cancel(waiting.id, thread_id=waiting.thread_id)
    ended = s.threads.runs.poll(waiting.id, thread_id=waiting.thread_id)
    assert ended.status == "cancelled", ended
    s.threads.messages.create(run.thread_id, role="user", content="Free again.")


@shows("threads.runs.create_and_poll")
def _(s: Session) -> None:
    thread = s.thread("When may a mug be returned?")
    run = s.threads.runs.create_and_poll(thread_id=thread, assistant_id=s.searcher)
    assert run.status == "completed", run
    check_citations(s, s.final_text(thread))


def check_citations(s: Session, text: Any) -> None:
    """Check that every annotation slices its marker and names an uploaded file."""
    assert text.annotations, text
    for annotation in text.annotations:
        assert text.value[annotation.start_index : annotation.end_index] == annotation.text, text
        file = s.files.retrieve(annotation.file_citation.file_id)
        assert file.filename in ("mugs.txt", "kiln.md"), file


@shows("threads.runs.create_and_stream")
def _(s: Session) -> None:
    with s.threads.runs.create_and_stream(
        thread_id=s.thread("count to 3"), assistant_id=s.assistant
    ) as stream:
        assert "".join(stream.text_deltas) == "1 2 3"


@shows("threads.runs.stream")
def _(s: Session) -> None:
    seen: list[str] = []

    class Handler(openai.AssistantEventHandler):
        def on_text_created(self, text: Any) -> None:
            seen.append("text created")

        def on_text_done(self, text: Any) -> None:
            seen.append("text done")

        def on_tool_call_created(self, tool_call: Any) -> None:
            seen.append(tool_call.type)

        def on_run_step_done(self, run_step: Any) -> None:
            seen.append(f"{run_step.type} {run_step.status}")

        def on_message_done(self, message: Any) -> None:
            seen.append("message done")

        def on_end(self) -> None:
            seen.append("end")

    thread = s.thread("When may a mug be returned?")
    with s.threads.runs.stream(
        thread_id=thread, assistant_id=s.searcher, event_handler=Handler()
    ) as stream:
        stream.until_done()
        run, steps = stream.get_final_run(), stream.get_final_run_steps()
        [message] = stream.get_final_messages()
    assert run.status == "completed" and len(steps) == 2, (run, steps)
    assert seen == [
        "file_search",
        "tool_calls completed",
        "text created",
        "text done",
        "message done",
        "message_creation completed",
        "end",
    ], seen
    check_citations(s, message.content[0].text)
    assert message.content[0].text.value == s.final_text(thread).value, message


@shows("threads.runs.submit_tool_outputs")
def _(s: Session) -> None:
    run = s.waiting("Paris and Rome")
    submit, one = s.threads.runs.submit_tool_outputs, outputs_for(run)[:1]
    said = refusal(
        openai.BadRequestError, submit, run.id, thread_id=run.thread_id, tool_outputs=one
    )
    assert "Expected tool outputs for call_ids [" in said, said
    queued = s.threads.runs.submit_tool_outputs(
        run.id, thread_id=run.thread_id, tool_outputs=outputs_for(run)
    )
    assert queued.required_action is None, queued
    s.threads.runs.poll(run.id, thread_id=run.thread_id)
    text = s.final_text(run.thread_id).value
    assert "sunny in Paris" in text and "sunny in Rome" in text, text
    other = s.waiting()
    events = s.threads.runs.submit_tool_outputs(
        other.id, thread_id=other.thread_id, tool_outputs=outputs_for(other), stream=True
    )
    names = [event.event for event in events]
    assert names[0] == "thread.run.step.completed" and "thread.run.completed" in names, names


@shows("threads.runs.submit_tool_outputs_and_poll")
def _(s: Session) -> None:
    run = s.waiting()
    done = s.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs_for(run)
    )
    assert done.status == "completed", done


@shows("threads.runs.submit_tool_outputs_stream")
def _(s: Session) -> None:
    run = s.waiting("Paris and Rome")
    with s.threads.runs.submit_tool_outputs_stream(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs_for(run)
    ) as stream:
        text = "".join(stream.text_deltas)
    assert "sunny in Paris" in text and "sunny in Rome" in text, text


@shows("(tool outputs submitted inside the stream's handler)")
def _(s: Session) -> None:
    texts: list[str] = []

    class Handler(openai.AssistantEventHandler):
        def on_event(self, event: Any) -> None:
            if event.event == "thread.run.requires_action":
                assert self.current_run is not None
                with s.threads.runs.submit_tool_outputs_stream(
                    thread_id=self.current_run.thread_id,
                    run_id=event.data.id,
                    tool_outputs=outputs_for(event.data),
                ) as inner:
                    texts.append("".join(inner.text_deltas))

    with s.threads.runs.stream(
        thread_id=s.thread("weather in Paris and Rome"),
        assistant_id=s.caller,
        event_handler=Handler(),
    ) as stream:
        stream.until_done()
    assert len(texts) == 1 and "sunny in Rome" in texts[0], texts


@shows("threads.runs.steps.list")
def _(s: Session) -> None:
    thread = s.thread("When may a mug be returned?")
    run = s.threads.runs.create_and_poll(thread_id=thread, assistant_id=s.searcher)
    steps = list(s.threads.runs.steps.list(run.id, thread_id=thread, order="asc"))
    assert [step.type for step in steps] == ["tool_calls", "message_creation"], steps
    assert all(step.status == "completed" for step in steps), steps


@shows("threads.runs.steps.retrieve")
def _(s: Session) -> None:
    thread = s.thread("When may a mug be returned?")
    run = s.threads.runs.create_and_poll(thread_id=thread, assistant_id=s.searcher)
    step = s.threads.runs.steps.list(run.id, thread_id=thread, order="asc").data[0]
    found = s.threads.runs.steps.retrieve(
        step.id, run_id=run.id, thread_id=thread, extra_query={"include[]": CONTENTS}
    )
    search = found.to_dict() if hasattr(found, "to_dict") else found.model_dump()
    [result, *_] = search["step_details"]["tool_calls"][0]["file_search"]["results"]
    assert result["file_name"] in ("mugs.txt", "kiln.md") and 0 <= result["score"] <= 1, result
    assert result["content"][0]["text"], result
