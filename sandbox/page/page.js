// The customer's phone: shows what /_control tells and does what a customer does.

import { showPeople, showThread } from "/page/view.js";

const EVERY_MS = 1000;
const $ = (selector) => document.querySelector(selector);
const phone = $("#phone"), say = $("#say"), words = $("#say textarea"), file = $("#say input[type=file]");
let people = [], open = null, file64 = null;

async function ask(path, body) {
  const init = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/_control/${path}`, init);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function refresh() {
  if (document.hidden) return;
  people = await ask("conversations");
  const found = open && people.find((each) => each.id === open.id || isWith(each, open.person));
  if (found) open = { id: found.id, person: found.people.join(", "), number: found.number };
  showPeople(people, open?.id);
  if (!open) return;
  const shown = open;
  const told = found ? await ask(`conversations/${found.id}`) : null;
  // Somebody else may have been opened meanwhile.
  if (open === shown) showThread(open, told);
}

function isWith(conversation, person) {
  return conversation.people.length === 1 && conversation.people[0] === person;
}

function route() {
  const hash = decodeURIComponent(location.hash.slice(1));
  const found = people.find((each) => each.id === hash);
  const person = found ? found.people.join(", ") : hash;
  open = hash ? { id: hash, person, number: found?.number } : null;
  phone.classList.toggle("reading", Boolean(open));
  $("#thread").hidden = !open;
  attempt(say, refresh);
  if (open && matchMedia("(min-width: 44rem)").matches) words.focus();
}

// A wrong answer is told where it was asked for.
async function attempt(form, act) {
  const told = form.querySelector(".wrong");
  try {
    await act();
    told.textContent = "";
  } catch (error) {
    told.textContent = error.message;
  }
}

function e164(typed) {
  const digits = typed.replace(/\D/g, "");
  if (digits.length === 10) return `+1${digits}`;
  if (digits.length === 11 && digits.startsWith("1")) return `+${digits}`;
  throw new Error("Ten digits make a number, such as 617 555 0142.");
}

function sender() {
  const [first, ...others] = open.person.split(", ");
  return { from: first, others, to: open.number };
}

async function text(content, media = []) {
  await ask("incoming", { ...sender(), text: content, media });
  await refresh();
}

async function call(end) {
  const details = end === "voicemail" ? { duration_s: 20 } : {};
  await ask("calls", { person: sender().from, number: open.number, end, ...details });
  await refresh();
}

function read(chosen) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(chosen);
  });
}

function choose(told) {
  file64 = told;
  $("#chosen").hidden = !told;
  $("#chosen span").textContent = told ? told.name : "";
  file.value = "";
}

$("#new").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt($("#new"), () => {
    location.hash = e164($("#person").value);
    $("#person").value = "";
  });
});
say.addEventListener("submit", (event) => {
  event.preventDefault();
  const content = words.value.trim(), media = file64 ? [{ content: file64.content, type: file64.type }] : [];
  if (!content && !media.length) return;
  attempt(say, async () => {
    await text(content, media);
    words.value = "";
    choose(null);
  });
});
words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    say.requestSubmit();
  }
});
file.addEventListener("change", () => {
  const chosen = file.files[0];
  if (chosen) attempt(say, async () => choose({ name: chosen.name, type: chosen.type, content: await read(chosen) }));
});
$("#chosen button").addEventListener("click", () => choose(null));
say.querySelector(".actions").addEventListener("click", ({ target }) => {
  if (target.dataset.call) attempt(say, () => call(target.dataset.call));
  if (target.dataset.text) attempt(say, () => text(target.dataset.text));
  if (target.dataset.photo !== undefined) {
    const seed = Math.floor(Math.random() * 1e6);
    const photo = { kind: "jpeg", seed, width: 640, height: 480, taken_at: new Date().toISOString(), place: [42.36, -71.06] };
    attempt(say, () => text("", [photo]));
  }
});
addEventListener("hashchange", route);
addEventListener("visibilitychange", () => attempt(say, refresh));
setInterval(() => attempt(say, refresh), EVERY_MS);
await attempt(say, refresh);
route();
