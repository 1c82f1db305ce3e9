// Draws /openapi.json. Text goes in as text, never as HTML.

const VERBS = ["get", "post", "put", "patch", "delete"];
const byId = (id) => document.getElementById(id);

function make(tag, text = "", className = "") {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function resolve(spec, item) {
  if (!item || !item.$ref) return item || {};
  return item.$ref.slice(2).split("/").reduce((at, key) => at[key], spec);
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.filter((value) => value !== null).join(" | ");
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "object";
  return schema.format ? `${type} (${schema.format})` : type;
}

function row(name, type, words, must) {
  const line = make("tr");
  const first = make("td");
  first.append(make("code", name));
  if (must) first.append(make("span", " required", "must"));
  line.append(first, make("td", type), make("td", words || ""));
  return line;
}

function fieldTable(spec, given) {
  const schema = resolve(spec, given);
  const table = make("table");
  const required = new Set(schema.required || []);
  for (const [name, field] of Object.entries(schema.properties || {})) {
    table.append(row(name, typeOf(field), field.description, required.has(name)));
  }
  return table;
}

function drawParameters(spec, list, into) {
  const parameters = list.map((item) => resolve(spec, item));
  if (!parameters.length) return;
  into.append(make("h3", "Parameters"));
  const table = make("table");
  for (const p of parameters) table.append(row(p.name, typeOf(p.schema), p.description, p.required));
  into.append(table);
}

function drawExample(title, value, into) {
  const box = make("details", "", "example");
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  box.append(make("summary", title), make("pre", text));
  into.append(box);
}

function drawExamples(title, content, into) {
  if ("example" in content) drawExample(title, content.example, into);
  for (const [name, example] of Object.entries(content.examples || {})) {
    drawExample(`${title}: ${name}`, example.value, into);
  }
}

function drawBody(spec, body, into) {
  for (const [media, content] of Object.entries((body || {}).content || {})) {
    into.append(make("h3", `Body, ${media}`), fieldTable(spec, content.schema));
    drawExamples("Example", content, into);
  }
}

function drawAnswers(spec, answers, into) {
  into.append(make("h3", "Answers"));
  const table = make("table");
  for (const [status, given] of Object.entries(answers || {})) {
    const answer = resolve(spec, given);
    const media = Object.entries(answer.content || {});
    const shape = media.map(([name, content]) => `${typeOf(content.schema)}, ${name}`).join("; ");
    table.append(row(status, shape, answer.description));
  }
  into.append(table);
  for (const [status, given] of Object.entries(answers || {})) {
    for (const content of Object.values(resolve(spec, given).content || {})) {
      drawExamples(status, content, into);
    }
  }
}

function drawRoute(spec, path, item, verb) {
  const route = item[verb];
  const box = make("details");
  const summary = make("summary");
  summary.append(make("span", verb.toUpperCase(), "verb"), make("span", path, "path"));
  summary.append(make("span", route.summary || "", "said"));
  const inside = make("div", "", "inside");
  if (route.description) inside.append(make("p", route.description));
  const open = route.security && !route.security.length;
  inside.append(make("p", open ? "Open to all." : "Needs a bearer token or an API key.", "said"));
  drawParameters(spec, [...(item.parameters || []), ...(route.parameters || [])], inside);
  drawBody(spec, route.requestBody, inside);
  drawAnswers(spec, route.responses, inside);
  box.append(summary, inside);
  return box;
}

function drawRoutes(spec) {
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const verb of VERBS.filter((name) => item[name])) {
      const tag = (item[verb].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(drawRoute(spec, path, item, verb));
    }
  }
  for (const [tag, routes] of groups) byId("routes").append(make("h2", tag), ...routes);
}

function drawShapes(spec) {
  byId("shapes-title").hidden = false;
  for (const [name, schema] of Object.entries((spec.components || {}).schemas || {})) {
    const box = make("details");
    const summary = make("summary");
    summary.append(make("span", name, "path"), make("span", schema.description || "", "said"));
    const inside = make("div", "", "inside");
    inside.append(fieldTable(spec, schema));
    box.append(summary, inside);
    byId("shapes").append(box);
  }
}

async function draw() {
  const answer = await fetch("/openapi.json");
  const spec = await answer.json();
  document.title = spec.info.title;
  byId("title").textContent = `${spec.info.title} ${spec.info.version}`;
  byId("about").textContent = spec.info.description || "";
  drawRoutes(spec);
  drawShapes(spec);
}

draw().catch(() => { byId("about").textContent = "openapi.json could not be read."; });
