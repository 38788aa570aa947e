// Session: one client of any version of openai-node, and what the checks of its methods share.
//
// Methods are named as in today's Python SDK (snake_case, `delete`), so that one table holds all
// SDKs. The client is wrapped to note which methods were called: a check cannot claim what it does
// not do.

import assert from "node:assert/strict";

export const MODEL = "gpt-4o";
export const MUGS = "A mug may be returned within 30 days of delivery. Wholesale orders are final.\n";
export const KILN = "The kiln reaches 1280 degrees in nine hours. Nobody opens it on Sundays.\n";
export const WEATHER = {
  name: "get_weather",
  description: "The weather of a place.",
  parameters: { type: "object", properties: { place: { type: "string" } } },
};
export const CONTENTS = "step_details.tool_calls[*].file_search.results[*].content";

/** The name of a method in today's Python SDK. */
export function commonName(path) {
  const snake = path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return snake.replace(/\.del$/, ".delete").replace(/^beta\.(?!responses)/, "");
}

const isResource = (value) => value && typeof value === "object" && "_client" in value;

/** The methods of a resource and those below it, by their common names. */
export function listMethods(resource, path) {
  const found = new Set();
  const names = [...Object.keys(resource), ...Object.getOwnPropertyNames(Object.getPrototypeOf(resource))];
  for (const name of names) {
    if (name.startsWith("_") || name === "constructor") continue;
    const value = resource[name];
    if (isResource(value)) listMethods(value, `${path}.${name}`).forEach((method) => found.add(method));
    else if (typeof value === "function") found.add(commonName(`${path}.${name}`));
  }
  return found;
}

export class Session {
  /** `OpenAI` is the class, `toFile` the function of the version to be driven. */
  constructor(OpenAI, toFile, baseURL) {
    this.openai = OpenAI;
    this.toFile = toFile;
    this.client = new OpenAI({ baseURL, apiKey: "sk-test", timeout: 30000, maxRetries: 0 });
    this.isOld = !this.client.vectorStores; // before 5: parents first, `del`, stores in beta
    this.called = new Set();
    this.kept = new Map();
    const { client } = this;
    this.resources = {
      files: client.files,
      uploads: client.uploads,
      models: client.models,
      embeddings: client.embeddings,
      completions: client.completions,
      "chat.completions": client.chat.completions,
      vectorStores: client.vectorStores ?? client.beta.vectorStores,
      assistants: client.beta.assistants,
      threads: client.beta.threads,
      responses: client.responses,
      conversations: client.conversations,
    };
    for (const [path, resource] of Object.entries(this.resources))
      if (resource) this[path.replace("chat.completions", "chat")] = this.watch(resource, path);
    this.helpers = client.chat.completions.stream
      ? this.chat
      : this.watch(client.beta.chat.completions, "chat.completions");
  }

  watch(resource, path) {
    return new Proxy(resource, {
      get: (target, name) => {
        const value = target[name];
        if (isResource(value)) return this.watch(value, `${path}.${String(name)}`);
        if (typeof value !== "function") return value;
        return (...args) => {
          this.called.add(commonName(`${path}.${String(name)}`));
          return value.apply(target, args);
        };
      },
    });
  }

  /** Call a method on an object below others; `ids` from the outermost in, its own last. */
  at(resource, method, ids, body) {
    if (this.isOld) return resource[method](...Object.values(ids), ...(body ? [body] : []));
    const { [Object.keys(ids).at(-1)]: own, ...parents } = ids;
    return resource[method](own, { ...parents, ...body });
  }

  delete(resource, ids) {
    return this.at(resource, this.isOld ? "del" : "delete", ids);
  }

  async once(name, make) {
    if (!this.kept.has(name)) this.kept.set(name, make());
    return this.kept.get(name);
  }

  async upload(text = MUGS, name = "mugs.txt") {
    const file = await this.toFile(Buffer.from(text), name);
    return (await this.files.create({ file, purpose: "assistants" })).id;
  }

  /** Id of a store with two files. */
  store() {
    return this.once("store", async () => {
      const { id } = await this.vectorStores.create({ name: "shared" });
      const file_ids = [await this.upload(), await this.upload(KILN, "kiln.md")];
      const batch = await this.vectorStores.fileBatches.createAndPoll(id, { file_ids });
      assert.equal(batch.file_counts.completed, 2);
      return id;
    });
  }

  assistant() {
    return this.once("assistant", async () => (await this.assistants.create({ model: MODEL })).id);
  }

  /** Id of an assistant that searches `store`. */
  searcher() {
    return this.once("searcher", async () => {
      const tool_resources = { file_search: { vector_store_ids: [await this.store()] } };
      const tools = [{ type: "file_search" }];
      return (await this.assistants.create({ model: MODEL, tools, tool_resources })).id;
    });
  }

  /** Id of an assistant with one function. */
  caller() {
    return this.once("caller", async () => {
      const tools = [{ type: "function", function: WEATHER }];
      return (await this.assistants.create({ model: MODEL, tools })).id;
    });
  }

  async thread(content = "Hello there.") {
    return (await this.threads.create({ messages: [{ role: "user", content }] })).id;
  }

  /** The text of the newest message of a thread. */
  async finalText(thread) {
    return (await this.threads.messages.list(thread)).data[0].content[0].text;
  }

  /** A run that waits for the output of a function. */
  async waiting(places = "Paris") {
    const thread = await this.thread(`Tell the weather in ${places}.`);
    const run = await this.threads.runs.createAndPoll(thread, { assistant_id: await this.caller() });
    assert.equal(run.status, "requires_action");
    return run;
  }
}

/** An output for each call that a run waits for. */
export function outputsFor(run) {
  return run.required_action.submit_tool_outputs.tool_calls.map((call) => ({
    tool_call_id: call.id,
    output: `sunny in ${JSON.parse(call.function.arguments).place}`,
  }));
}

/** All items of a paged list. */
export async function all(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

export const ids = (items) => items.map((item) => item.id);
