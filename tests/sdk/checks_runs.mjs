// Checks of assistants, threads, messages, runs, responses and conversations; see session.mjs.

import assert from "node:assert/strict";
import { CONTENTS, MODEL, WEATHER, all, ids, outputsFor } from "./session.mjs";

const hello = (content) => ({ messages: [{ role: "user", content }] });
const QUESTION = "When may a mug be returned?";
const TEXT = { type: "message", role: "user" };

async function checkCitations(s, text) {
  assert(text.annotations.length > 0, text.value);
  for (const { start_index, end_index, text: marker, file_citation } of text.annotations) {
    assert.equal([...text.value].slice(start_index, end_index).join(""), marker);
    const { filename } = await s.files.retrieve(file_citation.file_id);
    assert(["mugs.txt", "kiln.md"].includes(filename));
  }
}

async function finish(s, run) {
  const ids = { thread_id: run.thread_id, run_id: run.id };
  return s.at(s.threads.runs, "poll", ids);
}

async function twoItems(s) {
  const { id } = await s.conversations.create({});
  const items = ["One", "Two"].map((content) => ({ ...TEXT, content }));
  return [id, (await s.conversations.items.create(id, { items })).data];
}

export default {
  async "assistants.create"(s) {
    const tools = [{ type: "file_search" }, { type: "code_interpreter" }];
    const made = await s.assistants.create({ model: "gpt-4-1106-preview", name: "Tutor", tools });
    assert.deepEqual([made.model, made.name, made.tools.length], ["gpt-4-1106-preview", "Tutor", 2]);
  },
  async "assistants.retrieve"(s) {
    assert.equal((await s.assistants.retrieve(await s.assistant())).id, await s.assistant());
  },
  async "assistants.update"(s) {
    const { id } = await s.assistants.create({ model: MODEL, instructions: "Keep." });
    const changed = await s.assistants.update(id, { name: "new" });
    assert.deepEqual([changed.name, changed.instructions], ["new", "Keep."]);
  },
  async "assistants.list"(s) {
    const made = [];
    for (let n = 0; n < 3; n++) made.push((await s.assistants.create({ model: MODEL })).id);
    const found = ids(await all(s.assistants.list({ order: "asc", limit: 2 })));
    assert.deepEqual(found.filter((id) => made.includes(id)), made);
  },
  async "assistants.delete"(s) {
    const { id } = await s.assistants.create({ model: MODEL });
    assert.equal((await s.delete(s.assistants, { id })).object, "assistant.deleted");
  },
  async "threads.create"(s) {
    const attachments = [{ file_id: await s.upload(), tools: [{ type: "file_search" }] }];
    const made = await s.threads.create({ messages: [{ role: "user", content: "See.", attachments }] });
    assert.equal(made.tool_resources.file_search.vector_store_ids.length, 1);
  },
  async "threads.retrieve"(s) {
    const id = await s.thread();
    assert.equal((await s.threads.retrieve(id)).id, id);
  },
  async "threads.update"(s) {
    const metadata = { x: "y" };
    assert.deepEqual((await s.threads.update(await s.thread(), { metadata })).metadata, metadata);
  },
  async "threads.delete"(s) {
    assert.equal((await s.delete(s.threads, { id: await s.thread() })).object, "thread.deleted");
  },
  async "threads.messages.create"(s) {
    const made = await s.threads.messages.create(await s.thread(), { role: "user", content: "Second." });
    assert.equal(made.content[0].text.value, "Second.");
  },
  async "threads.messages.retrieve"(s) {
    const thread_id = await s.thread();
    const [{ id }] = await all(s.threads.messages.list(thread_id));
    assert.equal((await s.at(s.threads.messages, "retrieve", { thread_id, id })).id, id);
  },
  async "threads.messages.update"(s) {
    const thread_id = await s.thread();
    const [{ id }] = await all(s.threads.messages.list(thread_id));
    const metadata = { k: "v" };
    const changed = await s.at(s.threads.messages, "update", { thread_id, id }, { metadata });
    assert.deepEqual(changed.metadata, metadata);
  },
  async "threads.messages.list"(s) {
    const thread = await s.thread("0");
    for (const content of ["1", "2", "3"]) await s.threads.messages.create(thread, { role: "user", content });
    const found = await all(s.threads.messages.list(thread, { order: "asc", limit: 2 }));
    assert.deepEqual(found.map((message) => message.content[0].text.value), ["0", "1", "2", "3"]);
  },
  async "threads.messages.delete"(s) {
    const thread_id = await s.thread();
    const [{ id }] = await all(s.threads.messages.list(thread_id));
    assert.equal((await s.delete(s.threads.messages, { thread_id, id })).deleted, true);
  },
  async "threads.create_and_run"(s) {
    const body = { assistant_id: await s.assistant(), thread: hello("Hello") };
    assert.equal((await finish(s, await s.threads.createAndRun(body))).status, "completed");
    const names = (await all(await s.threads.createAndRun({ ...body, stream: true }))).map((e) => e.event);
    assert.deepEqual(names.slice(0, 2), ["thread.created", "thread.run.created"]);
  },
  async "threads.create_and_run_poll"(s) {
    const run = await s.threads.createAndRunPoll({ assistant_id: await s.assistant(), thread: hello("Hello") });
    assert.equal((await s.finalText(run.thread_id)).value, "You said: Hello");
  },
  async "threads.create_and_run_stream"(s) {
    const body = { assistant_id: await s.assistant(), thread: hello("count to 5") };
    const [message] = await s.threads.createAndRunStream(body).finalMessages();
    assert.equal(message.content[0].text.value, "1 2 3 4 5");
  },
  async "threads.runs.create"(s) {
    const run = await s.threads.runs.create(await s.thread(), { assistant_id: await s.assistant() });
    assert.equal(run.expires_at, run.created_at + 600);
    await finish(s, run);
    const body = { assistant_id: await s.assistant(), stream: true };
    const names = (await all(await s.threads.runs.create(run.thread_id, body))).map((e) => e.event);
    assert(names.includes("thread.run.completed"));
  },
  async "threads.runs.retrieve"(s) {
    const run = await s.waiting();
    const found = await s.at(s.threads.runs, "retrieve", { thread_id: run.thread_id, id: run.id });
    assert.equal(found.required_action.type, "submit_tool_outputs");
  },
  async "threads.runs.update"(s) {
    const { thread_id, id } = await s.waiting();
    const changed = await s.at(s.threads.runs, "update", { thread_id, id }, { metadata: { k: "v" } });
    assert.deepEqual(changed.metadata, { k: "v" });
  },
  async "threads.runs.list"(s) {
    const { thread_id, id } = await s.waiting();
    assert.deepEqual(ids(await all(s.threads.runs.list(thread_id))), [id]);
  },
  async "threads.runs.poll"(s) {
    const body = { assistant_id: await s.assistant() };
    const run = await s.threads.runs.create(await s.thread("wait 0.3 s"), body);
    assert.equal((await finish(s, run)).status, "completed");
  },
  async "threads.runs.cancel"(s) {
    const body = { assistant_id: await s.assistant() };
    const run = await s.threads.runs.create(await s.thread("wait 20 s"), body);
    const add = s.threads.messages.create(run.thread_id, { role: "user", content: "Too early." });
    await assert.rejects(add, s.openai.BadRequestError);
    await s.at(s.threads.runs, "cancel", { thread_id: run.thread_id, id: run.id });
    assert.equal((await finish(s, run)).status, "cancelled");
  },
  async "threads.runs.create_and_poll"(s) {
    const thread = await s.thread(QUESTION);
    const run = await s.threads.runs.createAndPoll(thread, { assistant_id: await s.searcher() });
    assert.equal(run.status, "completed");
    await checkCitations(s, await s.finalText(thread));
  },
  async "threads.runs.create_and_stream"(s) {
    const body = { assistant_id: await s.assistant() };
    const stream = s.threads.runs.createAndStream(await s.thread("count to 3"), body);
    assert.equal((await stream.finalMessages())[0].content[0].text.value, "1 2 3");
  },
  async "threads.runs.stream"(s) {
    const seen = [];
    const thread = await s.thread(QUESTION);
    const stream = s.threads.runs
      .stream(thread, { assistant_id: await s.searcher() })
      .on("textCreated", () => seen.push("text created"))
      .on("textDone", () => seen.push("text done"))
      .on("toolCallCreated", (call) => seen.push(call.type))
      .on("runStepDone", (step) => seen.push(`${step.type} ${step.status}`))
      .on("messageDone", () => seen.push("message done"))
      .on("end", () => seen.push("end"));
    const [message] = await stream.finalMessages();
    assert.equal((await stream.finalRunSteps()).length, 2);
    const wanted = ["file_search", "tool_calls completed", "text created", "text done", "message done"];
    assert.deepEqual(seen, [...wanted, "message_creation completed", "end"]);
    await checkCitations(s, message.content[0].text);
  },
  async "threads.runs.submit_tool_outputs"(s) {
    const run = await s.waiting("Paris and Rome");
    const target = { thread_id: run.thread_id, id: run.id };
    const submit = (tool_outputs) => s.at(s.threads.runs, "submitToolOutputs", target, { tool_outputs });
    await assert.rejects(submit(outputsFor(run).slice(1)), /Expected tool outputs for call_ids \[/);
    await submit(outputsFor(run));
    await finish(s, run);
    assert.match((await s.finalText(run.thread_id)).value, /sunny in Paris.*sunny in Rome/s);
  },
  async "threads.runs.submit_tool_outputs_and_poll"(s) {
    const run = await s.waiting();
    const target = { thread_id: run.thread_id, id: run.id };
    const body = { tool_outputs: outputsFor(run) };
    const done = await s.at(s.threads.runs, "submitToolOutputsAndPoll", target, body);
    assert.equal(done.status, "completed");
  },
  async "threads.runs.submit_tool_outputs_stream"(s) {
    const run = await s.waiting();
    const target = { thread_id: run.thread_id, id: run.id };
    const body = { tool_outputs: outputsFor(run) };
    const stream = s.at(s.threads.runs, "submitToolOutputsStream", target, body);
    assert.match((await stream.finalMessages())[0].content[0].text.value, /sunny in Paris/);
  },
  async "(tool outputs submitted inside the stream's handler)"(s) {
    const thread_id = await s.thread("weather in Paris and Rome");
    const inner = [];
    const outer = s.threads.runs.stream(thread_id, { assistant_id: await s.caller() });
    outer.on("event", ({ event, data }) => {
      if (event !== "thread.run.requires_action") return;
      const body = { tool_outputs: outputsFor(data) };
      inner.push(s.at(s.threads.runs, "submitToolOutputsStream", { thread_id, id: data.id }, body));
    });
    await outer.done();
    assert.match((await inner[0].finalMessages())[0].content[0].text.value, /sunny in Rome/);
  },
  async "threads.runs.steps.list"(s) {
    const thread_id = await s.thread(QUESTION);
    const { id } = await s.threads.runs.createAndPoll(thread_id, { assistant_id: await s.searcher() });
    const listed = s.at(s.threads.runs.steps, "list", { thread_id, id }, { order: "asc" });
    assert.deepEqual((await all(listed)).map((step) => step.type), ["tool_calls", "message_creation"]);
  },
  async "threads.runs.steps.retrieve"(s) {
    const thread_id = await s.thread(QUESTION);
    const { id } = await s.threads.runs.createAndPoll(thread_id, { assistant_id: await s.searcher() });
    const [first] = await all(s.at(s.threads.runs.steps, "list", { thread_id, id }, { order: "asc" }));
    const target = { thread_id, run_id: id, id: first.id };
    const step = await s.at(s.threads.runs.steps, "retrieve", target, { include: [CONTENTS] });
    const [result] = step.step_details.tool_calls[0].file_search.results;
    assert(result.score >= 0 && result.content[0].text);
  },

  async "responses.create"(s) {
    const plain = await s.responses.create({ model: MODEL, input: "Good day" });
    assert.equal(plain.output_text, "You said: Good day");
    const found = await s.responses.create({
      model: MODEL,
      input: QUESTION,
      tools: [{ type: "file_search", vector_store_ids: [await s.store()] }],
      include: ["file_search_call.results"],
    });
    assert.deepEqual(found.output.map((item) => item.type), ["file_search_call", "message"]);
    assert(found.output[0].results.length > 0 && found.output[1].content[0].annotations.length > 0);
    const tools = [{ type: "function", strict: false, ...WEATHER }];
    const called = await s.responses.create({ model: MODEL, input: "weather in Paris and Rome", tools });
    const input = called.output.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "sunny" }));
    const done = await s.responses.create({ model: MODEL, input, tools, previous_response_id: called.id });
    assert.match(done.output_text, /sunny/);
  },
  async "responses.retrieve"(s) {
    const { id } = await s.responses.create({ model: MODEL, input: "Good day" });
    assert.equal((await s.responses.retrieve(id)).id, id);
  },
  async "responses.delete"(s) {
    const { id } = await s.responses.create({ model: MODEL, input: "Good day" });
    await s.responses.delete(id);
    await assert.rejects(s.responses.retrieve(id), s.openai.NotFoundError);
  },
  async "responses.cancel"(s) {
    const { id } = await s.responses.create({ model: MODEL, input: "wait 20 s", background: true });
    assert.equal((await s.responses.cancel(id)).status, "cancelled");
  },
  async "responses.parse"(s) {
    const properties = { city: { type: "string" } };
    const schema = { type: "object", properties, required: ["city"], additionalProperties: false };
    const text = { format: { type: "json_schema", name: "place", strict: true, schema } };
    const parsed = await s.responses.parse({ model: MODEL, input: "Where?", text });
    assert.equal(JSON.parse(parsed.output_text).city, "Paris");
  },
  async "responses.stream"(s) {
    const tools = [{ type: "file_search", vector_store_ids: [await s.store()] }];
    const stream = s.responses.stream({ model: MODEL, input: QUESTION, tools });
    const pieces = [];
    stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta));
    const final = await stream.finalResponse();
    assert.equal(pieces.join(""), final.output_text);
  },
  async "responses.input_items.list"(s) {
    const { id } = await s.responses.create({ model: MODEL, input: "Two" });
    const [item] = await all(s.responses.inputItems.list(id));
    assert.equal(item.content[0].text, "Two");
  },
  async "responses.input_tokens.count"(s) {
    assert((await s.responses.inputTokens.count({ model: MODEL, input: "Good day" })).input_tokens > 0);
  },
  async "responses.compact"(s) {
    const made = await s.responses.compact({ model: MODEL, input: "Good day" });
    assert.deepEqual(made.output.map((item) => item.type), ["message", "compaction"]);
    const input = [...made.output, { role: "user", content: "And?" }];
    assert.equal((await s.responses.create({ model: MODEL, input })).output_text, "You said: And?");
  },
  async "conversations.create"(s) {
    const { id } = await s.conversations.create({ items: [{ ...TEXT, content: "Remember me." }] });
    await s.responses.create({ model: MODEL, input: "Good day", conversation: id });
    assert.equal((await all(s.conversations.items.list(id))).length, 3);
  },
  async "conversations.retrieve"(s) {
    const { id } = await s.conversations.create({});
    assert.equal((await s.conversations.retrieve(id)).object, "conversation");
  },
  async "conversations.update"(s) {
    const { id } = await s.conversations.create({});
    assert.deepEqual((await s.conversations.update(id, { metadata: { k: "v" } })).metadata, { k: "v" });
  },
  async "conversations.delete"(s) {
    assert.equal((await s.conversations.delete((await s.conversations.create({})).id)).deleted, true);
  },
  async "conversations.items.create"(s) {
    const [, added] = await twoItems(s);
    assert.deepEqual(added.map((item) => item.content[0].text), ["One", "Two"]);
  },
  async "conversations.items.list"(s) {
    const [id, added] = await twoItems(s);
    const found = await all(s.conversations.items.list(id, { limit: 1, order: "asc" }));
    assert.deepEqual(ids(found), ids(added));
  },
  async "conversations.items.retrieve"(s) {
    const [conversation_id, added] = await twoItems(s);
    const found = await s.conversations.items.retrieve(added[1].id, { conversation_id });
    assert.equal(found.id, added[1].id);
  },
  async "conversations.items.delete"(s) {
    const [conversation_id, added] = await twoItems(s);
    await s.conversations.items.delete(added[0].id, { conversation_id });
    assert.equal((await all(s.conversations.items.list(conversation_id))).length, 1);
  },
};
