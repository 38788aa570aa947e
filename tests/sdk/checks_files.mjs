// Checks of files, uploads, models, embeddings, chat and vector stores; see session.mjs.

import assert from "node:assert/strict";
import { KILN, MODEL, MUGS, WEATHER, all, ids } from "./session.mjs";

const ask = (content) => ({ model: MODEL, messages: [{ role: "user", content }] });
const stored = (s, fields) => s.chat.create({ ...ask("Good day"), store: true, ...fields });
const pending = (s, bytes) =>
  s.uploads.create({ filename: "a.txt", purpose: "assistants", bytes, mime_type: "text/plain" });

export default {
  async "files.create"(s) {
    const file = await s.toFile(Buffer.from("Some notes."), "notes äöü.txt");
    const made = await s.files.create({ file, purpose: "assistants" });
    assert.deepEqual([made.object, made.bytes, made.filename], ["file", 11, "notes äöü.txt"]);
  },
  async "files.list"(s) {
    const made = [await s.upload(), await s.upload()];
    const found = ids(await all(s.files.list()));
    assert(made.every((id) => found.includes(id)));
  },
  async "files.retrieve"(s) {
    const made = await s.upload();
    assert.equal((await s.files.retrieve(made)).id, made);
    await assert.rejects(s.files.retrieve("file-doesnotexist"), s.openai.NotFoundError);
  },
  async "files.content"(s) {
    assert.equal(await (await s.files.content(await s.upload(KILN))).text(), KILN);
  },
  async "files.retrieve_content"(s) {
    assert.match(String(await s.files.retrieveContent(await s.upload(KILN))), /kiln/);
  },
  async "files.delete"(s) {
    const id = await s.upload();
    assert.equal((await s.delete(s.files, { id })).deleted, true);
  },
  async "files.wait_for_processing"(s) {
    assert.equal((await s.files.waitForProcessing(await s.upload())).status, "processed");
  },
  async "uploads.create"(s) {
    assert.equal((await pending(s, 4)).status, "pending");
  },
  async "uploads.parts.create"(s) {
    const made = await pending(s, 4);
    const part = await s.uploads.parts.create(made.id, { data: await s.toFile(Buffer.from("abcd"), "p") });
    assert.equal(part.upload_id, made.id);
  },
  async "uploads.complete"(s) {
    const made = await pending(s, 8);
    const part_ids = [];
    for (const text of ["head", "last"]) {
      const data = await s.toFile(Buffer.from(text), "part");
      part_ids.push((await s.uploads.parts.create(made.id, { data })).id);
    }
    const done = await s.uploads.complete(made.id, { part_ids });
    assert.equal(await (await s.files.content(done.file.id)).text(), "headlast");
  },
  async "uploads.cancel"(s) {
    assert.equal((await s.uploads.cancel((await pending(s, 4)).id)).status, "cancelled");
  },
  async "models.list"(s) {
    assert((await all(s.models.list())).every((model) => model.object === "model"));
  },
  async "models.retrieve"(s) {
    const [known] = await all(s.models.list());
    assert.equal((await s.models.retrieve(known.id)).id, known.id);
    await assert.rejects(s.models.retrieve("qwen/qwen2.5:7b"), /'qwen\/qwen2.5:7b'/);
  },
  async "models.delete"(s) {
    const [{ id }] = await all(s.models.list());
    await assert.rejects(s.delete(s.models, { id }), /not a fine-tuned model/);
  },
  async "embeddings.create"(s) {
    const model = "text-embedding-3-small";
    const one = await s.embeddings.create({ model, input: "A mug." });
    const two = await s.embeddings.create({ model, input: ["A mug.", "A kiln."], encoding_format: "float" });
    const [first, wanted] = [one.data[0].embedding, two.data[0].embedding];
    assert.equal(first.length, wanted.length);
    assert(first.every((value, index) => Math.abs(value - wanted[index]) < 1e-5));
  },
  async "chat.completions.create"(s) {
    const plain = await s.chat.create(ask("Good day"));
    assert.equal(plain.choices[0].message.content, "You said: Good day");
    const chunks = await all(await s.chat.create({ ...ask("Good day"), stream: true }));
    const said = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    assert.equal(said, "You said: Good day");
    const tools = [{ type: "function", function: WEATHER }];
    const called = await s.chat.create({ ...ask("weather in Paris and Rome"), tools });
    assert.equal(called.choices[0].message.tool_calls.length, 2);
  },
  async "chat.completions.retrieve"(s) {
    const { id } = await stored(s);
    assert.equal((await s.chat.retrieve(id)).choices[0].message.content, "You said: Good day");
  },
  async "chat.completions.list"(s) {
    const metadata = { lot: crypto.randomUUID() };
    const made = [await stored(s, { metadata }), await stored(s, { metadata })];
    assert.deepEqual(ids(await all(s.chat.list({ metadata, limit: 1 }))), ids(made));
  },
  async "chat.completions.update"(s) {
    const metadata = { k: "v" };
    assert.deepEqual((await s.chat.update((await stored(s)).id, { metadata })).metadata, metadata);
  },
  async "chat.completions.delete"(s) {
    const { id } = await stored(s);
    assert.equal((await s.delete(s.chat, { id })).deleted, true);
    await assert.rejects(s.chat.retrieve(id), s.openai.NotFoundError);
  },
  async "chat.completions.messages.list"(s) {
    const [message] = await all(s.chat.messages.list((await stored(s)).id));
    assert.equal(message.content, "Good day");
  },
  async "chat.completions.parse"(s) {
    const properties = { city: { type: "string" } };
    const schema = { type: "object", properties, required: ["city"], additionalProperties: false };
    const response_format = { type: "json_schema", json_schema: { name: "place", strict: true, schema } };
    const parsed = await s.helpers.parse({ ...ask("Where?"), response_format });
    assert.equal(JSON.parse(parsed.choices[0].message.content).city, "Paris");
  },
  async "chat.completions.stream"(s) {
    const final = await s.helpers.stream(ask("count to 4")).finalContent();
    assert.equal(final, "1 2 3 4");
  },
  async "chat.completions.run_tools"(s) {
    const tool = { ...WEATHER, parse: JSON.parse, function: ({ place }) => `sunny in ${place}` };
    const tools = [{ type: "function", function: tool }];
    const runner = s.helpers.runTools({ ...ask("weather in Paris and Rome"), tools });
    assert.match(await runner.finalContent(), /sunny in Paris.*sunny in Rome/s);
  },
  async "chat.completions.run_functions"(s) {
    // The `functions` of 2023; a model without them simply answers.
    const functions = [{ ...WEATHER, parse: JSON.parse, function: () => "sunny" }];
    const runner = s.helpers.runFunctions({ ...ask("Good day"), functions });
    assert.equal(await runner.finalContent(), "You said: Good day");
  },
  async "completions.create"(s) {
    const done = await s.completions.create({ model: "gpt-3.5-turbo-instruct", prompt: "Good day" });
    assert.match(done.choices[0].text, /Good day/);
  },

  async "vector_stores.create"(s) {
    const expires_after = { anchor: "last_active_at", days: 2 };
    const made = await s.vectorStores.create({ name: "a", file_ids: [await s.upload()], expires_after });
    assert.equal(made.file_counts.total, 1);
    assert.equal(made.expires_after.days, 2);
  },
  async "vector_stores.retrieve"(s) {
    assert.equal((await s.vectorStores.retrieve(await s.store())).file_counts.completed, 2);
  },
  async "vector_stores.update"(s) {
    const made = await s.vectorStores.create({ name: "old" });
    assert.equal((await s.vectorStores.update(made.id, { name: "new" })).name, "new");
  },
  async "vector_stores.list"(s) {
    const made = [];
    for (let n = 0; n < 5; n++) made.unshift((await s.vectorStores.create({})).id);
    const found = ids(await all(s.vectorStores.list({ limit: 2 })));
    assert.deepEqual(found.filter((id) => made.includes(id)), made);
  },
  async "vector_stores.delete"(s) {
    assert.equal((await s.delete(s.vectorStores, { id: (await s.vectorStores.create({})).id })).deleted, true);
  },
  async "vector_stores.search"(s) {
    const found = await all(s.vectorStores.search(await s.store(), { query: "When may a mug be returned?" }));
    assert.equal(found[0].filename, "mugs.txt");
  },
  async "vector_stores.files.create"(s) {
    const { id } = await s.vectorStores.create({});
    const made = await s.vectorStores.files.create(id, { file_id: await s.upload() });
    assert.equal(made.vector_store_id, id);
  },
  async "vector_stores.files.create_and_poll"(s) {
    const { id } = await s.vectorStores.create({});
    const done = await s.vectorStores.files.createAndPoll(id, { file_id: await s.upload() });
    assert.equal(done.status, "completed");
  },
  async "vector_stores.files.upload"(s) {
    const { id } = await s.vectorStores.create({});
    const made = await s.vectorStores.files.upload(id, await s.toFile(Buffer.from(MUGS), "m.txt"));
    assert.equal(made.object, "vector_store.file");
  },
  async "vector_stores.files.upload_and_poll"(s) {
    const { id } = await s.vectorStores.create({});
    const done = await s.vectorStores.files.uploadAndPoll(id, await s.toFile(Buffer.from(MUGS), "m.txt"));
    assert.equal(done.status, "completed");
  },
  async "vector_stores.files.poll"(s) {
    const { id } = await s.vectorStores.create({});
    const made = await s.vectorStores.files.create(id, { file_id: await s.upload() });
    assert.equal((await s.vectorStores.files.poll(id, made.id)).status, "completed");
  },
  async "vector_stores.files.retrieve"(s) {
    const { files } = s.vectorStores;
    const vector_store_id = await s.store();
    const [first] = await all(files.list(vector_store_id));
    const found = await s.at(files, "retrieve", { vector_store_id, id: first.id });
    assert.equal(found.id, first.id);
  },
  async "vector_stores.files.list"(s) {
    assert.equal((await all(s.vectorStores.files.list(await s.store(), { limit: 1 }))).length, 2);
  },
  async "vector_stores.files.update"(s) {
    const vector_store_id = (await s.vectorStores.create({ file_ids: [await s.upload()] })).id;
    const [{ id }] = await all(s.vectorStores.files.list(vector_store_id));
    const attributes = { year: 2025 };
    const changed = await s.vectorStores.files.update(id, { vector_store_id, attributes });
    assert.deepEqual(changed.attributes, attributes);
  },
  async "vector_stores.files.content"(s) {
    const vector_store_id = await s.store();
    const [{ id }] = await all(s.vectorStores.files.list(vector_store_id));
    const [part] = await all(s.vectorStores.files.content(id, { vector_store_id }));
    assert([MUGS.trim(), KILN.trim()].includes(part.text.trim()));
  },
  async "vector_stores.files.delete"(s) {
    const vector_store_id = (await s.vectorStores.create({ file_ids: [await s.upload()] })).id;
    const [{ id }] = await all(s.vectorStores.files.list(vector_store_id));
    assert.equal((await s.delete(s.vectorStores.files, { vector_store_id, id })).deleted, true);
  },
  async "vector_stores.file_batches.create"(s) {
    const { id } = await s.vectorStores.create({});
    const made = await s.vectorStores.fileBatches.create(id, { file_ids: [await s.upload()] });
    assert.match(made.id, /^vsfb_[0-9a-f]{32}$/);
  },
  async "vector_stores.file_batches.create_and_poll"(s) {
    const { id } = await s.vectorStores.create({});
    const file_ids = [await s.upload(), "file-missing"];
    const { file_counts } = await s.vectorStores.fileBatches.createAndPoll(id, { file_ids });
    assert.deepEqual([file_counts.completed, file_counts.failed], [1, 1]);
  },
  async "vector_stores.file_batches.upload_and_poll"(s) {
    const { id } = await s.vectorStores.create({});
    const files = [];
    for (let n = 0; n < 8; n++) files.push(await s.toFile(Buffer.from(`Document ${n}. ${MUGS}`), `${n}.txt`));
    const done = await s.vectorStores.fileBatches.uploadAndPoll(id, { files });
    assert.deepEqual([done.status, done.file_counts.completed], ["completed", 8]);
  },
  async "vector_stores.file_batches.poll"(s) {
    const { id } = await s.vectorStores.create({});
    const made = await s.vectorStores.fileBatches.create(id, { file_ids: [await s.upload()] });
    assert.equal((await s.vectorStores.fileBatches.poll(id, made.id)).status, "completed");
  },
  async "vector_stores.file_batches.retrieve"(s) {
    const vector_store_id = (await s.vectorStores.create({})).id;
    const made = await s.vectorStores.fileBatches.create(vector_store_id, { file_ids: [await s.upload()] });
    const found = await s.at(s.vectorStores.fileBatches, "retrieve", { vector_store_id, id: made.id });
    assert.deepEqual([found.id, found.object], [made.id, "vector_store.files_batch"]);
  },
  async "vector_stores.file_batches.list_files"(s) {
    const vector_store_id = (await s.vectorStores.create({})).id;
    const file_ids = [await s.upload(), await s.upload(), await s.upload()];
    const { id } = await s.vectorStores.fileBatches.createAndPoll(vector_store_id, { file_ids });
    const listed = s.at(s.vectorStores.fileBatches, "listFiles", { vector_store_id, id }, { limit: 2 });
    assert.deepEqual(ids(await all(listed)).sort(), file_ids.sort());
  },
  async "vector_stores.file_batches.cancel"(s) {
    const vector_store_id = (await s.vectorStores.create({})).id;
    const file_ids = [];
    for (let n = 0; n < 8; n++) file_ids.push(await s.upload(`Number ${n}. ${MUGS.repeat(50)}`));
    const { id } = await s.vectorStores.fileBatches.create(vector_store_id, { file_ids });
    await s.at(s.vectorStores.fileBatches, "cancel", { vector_store_id, id });
    const { file_counts } = await s.vectorStores.fileBatches.poll(vector_store_id, id);
    assert.equal(file_counts.cancelled + file_counts.completed, 8);
  },
};
