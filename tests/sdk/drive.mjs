// Drive: call every method of one version of openai-node against a server, and check results.
//
//     node drive.mjs BASE_URL ENVIRONMENT       a folder in which the version was installed
//
// Prints one JSON object, as drive.py does.

import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import checksFiles from "./checks_files.mjs";
import checksRuns from "./checks_runs.mjs";
import { Session, listMethods } from "./session.mjs";

const [baseURL, environment] = process.argv.slice(2);
const load = createRequire(join(environment, "package.json"));
const { OpenAI, toFile } = load("openai");
const { VERSION } = load("openai/version");
const session = new Session(OpenAI, toFile, baseURL);

const present = new Set();
for (const [path, resource] of Object.entries(session.resources))
  if (resource) listMethods(resource, path).forEach((method) => present.add(method));
if (session.isOld) listMethods(session.client.beta.chat.completions, "chat.completions").forEach((m) => present.add(m));

const outcome = {};
for (const method of [...present].sort())
  outcome[method] = "failed: not driven";
for (const [method, check] of Object.entries({ ...checksFiles, ...checksRuns })) {
  const isBehaviour = method.startsWith("(");
  if (!present.has(method) && !isBehaviour) {
    outcome[method] = "absent";
    continue;
  }
  session.called.clear();
  try {
    await check(session);
    const wasCalled = isBehaviour || session.called.has(method);
    outcome[method] = wasCalled ? "ok" : "failed: the check does not call it";
  } catch (error) {
    const place = /checks_\w+\.mjs:\d+/.exec(error.stack ?? "")?.[0] ?? "?";
    outcome[method] = `failed: ${error.constructor.name} (${place}): ${error.message}`.slice(0, 600);
  }
}
writeSync(1, JSON.stringify({ sdk: "node", version: VERSION, methods: outcome }) + "\n");
process.exit(0); // connections that are kept alive would keep the process as well
