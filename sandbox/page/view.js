// What is on the screen. Nothing the vendor tells is ever read as HTML.

const items = document.querySelector("#items");
const CALLS = { completed: "answered", missed: "missed", forwarded: "forwarded" };
let peopleShown = "", threadShown = "";

export function pretty(e164) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(e164);
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : e164;
}

export function showPeople(people, current) {
  const state = JSON.stringify([people, current]);
  if (state === peopleShown) return;
  peopleShown = state;
  document.querySelector("#nobody").hidden = people.length > 0;
  document.querySelector("#people").replaceChildren(...people.map((each) => personLine(each, current)));
}

export function showThread(open, conversation) {
  document.querySelector("#thread h2").textContent = open.person.split(", ").map(pretty).join(", ");
  document.querySelector("#stopped").hidden = !conversation?.stopped;
  const { messages, calls } = conversation ?? { messages: [], calls: [] };
  // Told newest first; of what happened in one millisecond, the order is kept.
  const entries = [...messages.map(asText), ...calls.map(asCall)].reverse();
  entries.sort((a, b) => a.at.localeCompare(b.at));
  const state = JSON.stringify([open.person, entries.map(({ key }) => key)]);
  if (state === threadShown) return;
  threadShown = state;
  items.replaceChildren(...entries.map(({ draw }) => draw()));
  toEnd();
}

function toEnd() {
  items.scrollTop = items.scrollHeight;
}

function personLine(each, current) {
  const top = make("span", "top", make("strong", "", each.people.map(pretty).join(", ")), when(each.last_activity_at));
  const link = make("a", "", top, make("small", "", each.preview || "No text yet"));
  link.href = `#${each.id}`;
  if (each.id === current) link.setAttribute("aria-current", "true");
  return make("li", "", link);
}

function asText(message) {
  return { at: message.at, key: [message.id, message.status], draw: () => textLine(message) };
}

function asCall(call) {
  return { at: call.at, key: call.id, draw: () => callLine(call) };
}

function textLine(message) {
  const isMine = message.direction === "incoming";
  const isBad = ["failed", "undelivered"].includes(message.status);
  const line = make("li", `${isMine ? "mine" : "theirs"}${isBad ? " bad" : ""}`);
  line.append(...message.media.map(mediaOf));
  if (message.text) line.append(make("div", "text", message.text));
  const status = isMine ? "" : ` · ${message.status}${message.error_code ? ` (${message.error_code})` : ""}`;
  line.append(make("small", "", when(message.at), status));
  return line;
}

function callLine(call) {
  const who = call.direction === "incoming" ? "You called" : "They called";
  const how = call.voicemail ? "left a voicemail" : CALLS[call.status] ?? call.status;
  const length = call.duration_s ? `, ${call.duration_s} s` : "";
  return make("li", "call", `${who}: ${how}${length} · `, when(call.at));
}

function mediaOf({ url, type }) {
  // The page may be open under another name of this host.
  const { pathname, search } = new URL(url);
  const isShown = /^image\/(jpeg|png|gif|webp)$/.test(type);
  if (!isShown && !type.startsWith("audio/")) return make("div", "text", `A file: ${type}`);
  const shown = document.createElement(isShown ? "img" : "audio");
  shown.src = pathname + search;
  if (isShown) {
    shown.alt = "Photo";
    shown.addEventListener("load", toEnd);
  } else shown.controls = true;
  return shown;
}

function when(iso) {
  const at = new Date(iso), isToday = at.toDateString() === new Date().toDateString();
  const shown = isToday ? at.toLocaleTimeString([], { timeStyle: "short" }) : at.toLocaleDateString([], { dateStyle: "medium" });
  const time = make("time", "", shown);
  time.dateTime = iso;
  return time;
}

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}
