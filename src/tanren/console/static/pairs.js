// Pairs of question and answer from a document: they come one by one, are corrected here, and go to S3 as they stand.
// What was made and typed outlives a reload in this tab.
"use strict";

const form = document.getElementById("pairs");
const saving = document.getElementById("saving");
const made = document.getElementById("made");
const told = document.getElementById("making");
const progress = form?.querySelector("progress");
const pairsKey = `made:${location.search}`;
let stopping = null;

const rowsNow = () => [...made.children].map((item) => {
  const [question, answer] = item.querySelectorAll("textarea");
  return { question: question.value, answer: answer.value };
});
const keepPairs = () => sessionStorage.setItem(pairsKey, JSON.stringify(rowsNow()));

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function addPair(pair) {
  const item = document.createElement("li");
  for (const name of ["question", "answer"]) {
    const label = document.createElement("label");
    label.append(form.dataset[name]);
    const field = document.createElement("textarea");
    field.rows = 1;
    field.dir = "auto";
    field.value = pair[name];
    field.addEventListener("input", () => grow(field));
    label.append(field);
    item.append(label);
  }
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "small-button";
  remove.textContent = "✕";
  remove.ariaLabel = remove.title = form.dataset.remove;
  remove.addEventListener("click", () => {
    item.remove();
    keepPairs();
  });
  item.append(remove);
  made.append(item);
  item.querySelectorAll("textarea").forEach(grow);
  return item;
}

function refuse(message) {
  told.textContent = message;
  told.className = "notice bad told";
}

async function make(signal) {
  told.className = "";
  const before = made.children.length;
  const body = new URLSearchParams(new FormData(form));
  const wanted = Number(body.get("count"));
  let isOver = false;
  for await (const line of jsonLines(form.dataset.from, body, form.dataset.csrf, signal)) {
    if (line.read) {
      told.textContent = form.dataset.read.replace("§n", line.read.toLocaleString());
      const leftOut = document.getElementById("left-out");
      leftOut.hidden = !line.left_out.length;
      leftOut.textContent = `${form.dataset.leftOut} ${line.left_out.join(" · ")}`;
    }
    if (line.pair) {
      addPair(line.pair);
      const count = made.children.length - before;
      progress.value = count / wanted;
      told.textContent = form.dataset.making.replace("§n", count).replace("§count", wanted);
      keepPairs();
    }
    if (line.refused) refuse(line.refused);
    if (line.end) {
      const dropped = Object.entries(line.end.dropped).map(([reason, count]) => `${count} ${reason}`).join(", ");
      if (dropped) told.append(` · ${form.dataset.dropped} ${dropped}`);
    }
    isOver = isOver || Boolean(line.end || line.refused);
  }
  if (!isOver) refuse(form.dataset.broken);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (stopping) return;
  stopping = new AbortController();
  const button = document.getElementById("make");
  const stop = document.getElementById("stop");
  button.disabled = true;
  stop.hidden = progress.hidden = false;
  progress.value = 0;
  try {
    await make(stopping.signal);
  } catch (error) {
    if (error.name !== "AbortError") refuse(error instanceof TypeError ? document.body.dataset.unreachable : error.message);
  }
  stopping = null;
  button.disabled = false;
  stop.hidden = progress.hidden = true;
});
document.getElementById("stop")?.addEventListener("click", () => stopping?.abort());
document.getElementById("add")?.addEventListener("click", () => addPair({ question: "", answer: "" }).querySelector("textarea").focus());
made?.addEventListener("input", keepPairs);

saving?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const status = saving.querySelector("[role=status]");
  const body = new URLSearchParams(new FormData(saving));
  const system = body.get("system").trim();
  body.set("rows", JSON.stringify(rowsNow().map((row) => ({ ...row, system }))));
  try {
    const answer = await fetch(saving.action, { method: "POST", body });
    if (answer.redirected) return location.assign(answer.url);
    const result = await answer.json();
    status.className = result.refused ? "notice bad told" : "";
    if (result.refused) status.textContent = result.refused;
    else location.assign(result.page);
  } catch {
    status.textContent = document.body.dataset.unreachable;
  }
});

if (form) {
  for (const pair of JSON.parse(sessionStorage.getItem(pairsKey) || "[]")) addPair(pair);
  const model = document.getElementById("model");
  const suit = () => { document.getElementById("extractive").checked = model.value.startsWith(model.dataset.small); };
  model.addEventListener("change", suit);
  suit();
}
