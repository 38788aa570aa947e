// Renders openapi.json and lets each operation be tried. Needs nothing but this server: no CDN, no
// framework. All text is set as text, never as HTML.
"use strict";

const main = document.getElementById("operations");
let documentation;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolve(schema) {
  let found = schema || {};
  for (let hops = 0; found.$ref && hops < 10; hops++) {
    found = found.$ref.split("/").slice(1).reduce((node, key) => (node || {})[key], documentation) || {};
  }
  return found;
}

// The required fields of a schema with a value of their type, as a body to start from.
function example(schema, depth = 0) {
  const known = resolve(schema);
  if (known.examples?.length) return known.examples[0];
  if (known.default !== undefined) return known.default;
  if (known.const !== undefined) return known.const;
  if (known.enum) return known.enum[0];
  const choices = known.anyOf || known.oneOf;
  if (choices) return example(choices[0], depth + 1);
  if (known.type === "object" || known.properties) {
    const made = {};
    if (depth > 4) return made;
    for (const name of known.required || []) made[name] = example((known.properties || {})[name], depth + 1);
    return made;
  }
  if (known.type === "array") return depth > 4 || !known.minItems ? [] : [example(known.items, depth + 1)];
  return { string: "", integer: 0, number: 0, boolean: false }[known.type] ?? null;
}

// One line for each field: name, type, whether it must be there, what it means.
function fields(schema) {
  const known = resolve(schema);
  const list = element("ul");
  for (const [name, field] of Object.entries(known.properties || {})) {
    const must = (known.required || []).includes(name) ? ", required" : "";
    list.append(element("li", {}, element("code", {}, name), ` ${typeName(field)}${must} `,
      element("span", { class: "note" }, field.description || resolve(field).description || "")));
  }
  return list.children.length ? list : null;
}

function typeName(schema) {
  const known = resolve(schema);
  const choices = known.anyOf || known.oneOf;
  if (choices) return [...new Set(choices.map(typeName))].join(" or ");
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.type === "array") return `array of ${typeName(known.items)}`;
  return known.title && known.properties ? known.title : known.type || "any";
}

function operation(method, path, described) {
  const inputs = [];
  const body = element("div");
  body.append(element("p", {}, described.description || ""));
  for (const parameter of described.parameters || []) {
    const input = element("input", { name: parameter.name, "aria-label": parameter.name });
    if (parameter.schema?.default !== undefined && parameter.schema.default !== null) {
      input.placeholder = String(parameter.schema.default);
    }
    inputs.push({ parameter, input });
    body.append(element("div", { class: "parameter" },
      element("span", {}, element("code", {}, parameter.name), ` ${parameter.in}${parameter.required ? ", required" : ""}`),
      element("span", {}, input, " ", element("span", { class: "note" }, parameter.description || typeName(parameter.schema)))));
  }
  const content = described.requestBody?.content || {};
  const [mediaType, media] = Object.entries(content)[0] || [];
  let text = null, form = null;
  if (mediaType === "multipart/form-data") {
    form = element("form");
    for (const [name, field] of Object.entries(resolve(media.schema).properties || {})) {
      const isFile = resolve(field).format === "binary" || resolve(field).contentMediaType;
      form.append(element("div", { class: "parameter" }, element("code", {}, name),
        element("input", { name, type: isFile ? "file" : "text", "aria-label": name })));
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    body.append(element("h3", {}, "Form"), form);
  } else if (mediaType) {
    text = element("textarea", { "aria-label": "request body", spellcheck: "false" });
    text.value = JSON.stringify(example(media.schema), null, 2);
    body.append(element("h3", {}, "Body"), text);
    const known = fields(media.schema);
    if (known) body.append(element("details", {}, element("summary", {}, "Fields"), known));
  }
  const send = element("button", { type: "button" }, "Send");
  const answer = element("div");
  send.addEventListener("click", () => attempt(method, path, inputs, text, form, answer));
  body.append(element("p", {}, send), answer);
  return body;
}

async function attempt(method, path, inputs, text, form, answer) {
  let url = path;
  const query = new URLSearchParams();
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") url = url.replace(new RegExp(`\\{${parameter.name}(:[^}]*)?\\}`), encodeURIComponent(input.value));
    else if (parameter.in === "query" && input.value !== "") query.append(parameter.name, input.value);
  }
  if (query.size) url += `?${query}`;
  const request = { method, headers: {} };
  const key = document.getElementById("key").value;
  if (key) request.headers.Authorization = `Bearer ${key}`;
  if (form) {
    request.body = new FormData();
    for (const [name, value] of new FormData(form)) {
      if (value instanceof File ? value.name : value) request.body.append(name, value);
    }
  } else if (text) {
    request.headers["Content-Type"] = "application/json";
    request.body = text.value;
  }
  const shown = element("pre");
  answer.replaceChildren(element("p", { class: "note" }, "waiting …"));
  let response;
  try {
    response = await fetch(url, request);
  } catch (error) {
    answer.replaceChildren(element("p", {}, `no answer: ${error.message}`));
    return;
  }
  answer.replaceChildren(element("p", {}, `${response.status} ${response.statusText} `,
    element("span", { class: "note" }, response.headers.get("x-request-id") || "")), shown);
  try {
    await show(response, shown);
  } catch (error) {
    // What came until then stays.
    shown.after(element("p", {}, `the answer broke off: ${error.message}`));
  }
}

async function show(response, shown) {
  if (!(response.headers.get("content-type") || "").includes("text/event-stream")) {
    const text = await response.text();
    try { shown.textContent = JSON.stringify(JSON.parse(text), null, 2); } catch { shown.textContent = text; }
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) shown.append(step.value);
}

function render() {
  const groups = new Map();
  for (const [path, methods] of Object.entries(documentation.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      const group = (described.tags || ["other"])[0];
      if (!groups.has(group)) groups.set(group, []);
      const details = element("details", { class: "operation" }, element("summary", {},
        element("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()), element("code", {}, path),
        element("span", { class: "note" }, ` ${described.summary || ""}`)));
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(operation(method.toUpperCase(), path, described));
      });
      groups.get(group).push(details);
    }
  }
  main.replaceChildren(...[...groups].map(([name, operations]) =>
    element("section", {}, element("h2", {}, name), ...operations)));
}

document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const details of document.querySelectorAll("details.operation")) {
    details.hidden = !details.querySelector("summary").textContent.toLowerCase().includes(wanted);
  }
  for (const section of main.querySelectorAll("section")) {
    section.hidden = !section.querySelector("details.operation:not([hidden])");
  }
});

fetch("openapi.json").then((response) => response.json()).then((found) => {
  documentation = found;
  render();
}).catch((error) => main.replaceChildren(element("p", {}, `openapi.json could not be read: ${error.message}`)));
