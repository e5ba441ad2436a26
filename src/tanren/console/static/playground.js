// The playground: a question goes to each column, with what was said there; the answer comes piece by piece, and where
// columns differ is marked. What was said, and what was judged for the next training, outlives a reload in this tab.
"use strict";

const playground = document.getElementById("playground");
const words = playground.dataset;
const fewShot = JSON.parse(words.fewShot);
const columns = [...playground.querySelectorAll(".answerer")].map((part) => ({ part, name: part.dataset.name, turns: [] }));
const shown = () => columns.filter((column) => !column.part.hidden);
const storeKey = `chat:${location.search}`;
const askedKey = `asked:${location.search}`;
let rows = [];
let stopping = null;

function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, label, onClick) {
  const made = element("button", "small-button", text);
  made.type = "button";
  if (label) made.title = label;
  made.addEventListener("click", onClick);
  return made;
}

function keep() {
  const turns = Object.fromEntries(columns.map((column) => [column.name, column.turns]));
  try {
    sessionStorage.setItem(storeKey, JSON.stringify({ turns, rows }));
  } catch {
    // More than the browser holds: what is on the page stays on the page.
  }
}

// --- turns ---------------------------------------------------------------------------------------------------------

function addTurn(column, kind, text) {
  const box = element("div", `turn ${kind}`, text);
  box.dir = "auto";
  column.part.querySelector(".turns").append(box);
  return box;
}

function addNote(box, column, note, question) {
  const line = element("p", "turn-note");
  line.append(element("small", "", note));
  const answer = box.textContent;
  line.append(
    button(words.goodShort, words.good, () => addRow(question, answer)),
    button(words.badShort, words.bad, () => correct(line, question, answer)),
  );
  box.after(line);
}

function correct(line, question, answer) {
  if (line.querySelector("textarea")) return;
  const field = element("textarea", "", answer);
  field.rows = 3;
  field.ariaLabel = words.better;
  const add = button(words.add, "", () => {
    addRow(question, field.value.trim());
    field.remove();
    add.remove();
  });
  line.append(field, add);
  field.focus();
  field.select();
}

// Words of one text that the other does not have in their order, by the longest common sequence.
function segments(text) {
  const made = new Intl.Segmenter(document.documentElement.lang, { granularity: "word" });
  return [...made.segment(text)].map((each) => each.segment);
}

function markDifferences(box, other) {
  const [a, b] = [segments(box.textContent), segments(other)];
  if (!a.length || !b.length || a.length * b.length > 1_000_000) return;
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const pieces = [];
  for (let i = 0, j = 0; i < a.length; i += 1) {
    while (j < b.length && a[i] !== b[j] && common[i][j + 1] > common[i + 1][j]) j += 1;
    const isCommon = j < b.length && a[i] === b[j];
    if (isCommon) j += 1;
    const last = pieces.at(-1);
    if (last && last.isCommon === isCommon) last.text += a[i];
    else pieces.push({ isCommon, text: a[i] });
  }
  box.replaceChildren(...pieces.map((piece) => (piece.isCommon ? document.createTextNode(piece.text) : element("mark", "", piece.text))));
}

// Each answer against that of the first other column; the tuned one, where it is there, is what others are held against.
function compareLast() {
  const answers = shown().map((column) => [...column.part.querySelectorAll(".turn.assistant")].at(-1)).filter(Boolean);
  if (answers.length < 2) return;
  const texts = answers.map((box) => box.textContent);
  answers.forEach((box, index) => markDifferences(box, texts[index ? 0 : 1]));
}

async function ask(column, question, documents, signal) {
  addTurn(column, "user", question);
  const box = addTurn(column, "assistant running", "");
  const log = column.part.querySelector(".turns");
  const body = new FormData(document.getElementById("settings"));
  for (const file of documents) body.append("documents", file);
  body.set("model", column.part.dataset.model);
  body.set("turns", JSON.stringify([...(column.name === "few-shot" ? fewShot : []), ...column.turns, question]));
  let note = "";
  const fail = (message) => {
    box.className = "turn refused";
    box.textContent = message;
  };
  try {
    for await (const piece of jsonLines("/console/playground/answer", body, words.csrf, signal)) {
      if (piece.text) box.append(piece.text);
      if (piece.refused) fail(piece.refused);
      if (piece.end) {
        const usage = piece.end.usage || {};
        note = words.tokens.replace("§input", usage.inputTokens ?? "—").replace("§output", usage.outputTokens ?? "—").replace("§ms", piece.end.latency ?? "—");
        if (piece.end.stop === "max_tokens") note += ` · ${words.cut}`;
      }
      log.scrollTop = log.scrollHeight;
    }
    if (!note && !box.classList.contains("refused")) fail(words.broken);
  } catch (error) {
    if (error.name === "AbortError") note = words.stopped;
    else fail(error instanceof TypeError ? document.body.dataset.unreachable : String(error.message || error));
  }
  box.classList.remove("running");
  if (box.classList.contains("refused") || !box.textContent) return;
  column.turns.push(question, box.textContent);
  addNote(box, column, note, question);
  log.scrollTop = log.scrollHeight;
}

document.getElementById("question").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.getElementById("prompt");
  const question = field.value.trim();
  if (!question || stopping) return;
  const run = document.getElementById("run");
  const documents = [...document.getElementById("documents").files];
  run.disabled = true;
  document.getElementById("stop").hidden = false;
  stopping = new AbortController();
  sessionStorage.setItem(askedKey, question);
  await Promise.all(shown().map((column) => ask(column, question, documents, stopping.signal)));
  stopping = null;
  run.disabled = false;
  document.getElementById("stop").hidden = true;
  compareLast();
  keep();
  sessionStorage.removeItem(askedKey);
  field.value = "";
  field.focus();
});
document.getElementById("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) document.getElementById("question").requestSubmit();
});
document.getElementById("stop").addEventListener("click", () => stopping?.abort());
document.getElementById("clear").addEventListener("click", () => {
  stopping?.abort();
  for (const column of columns) {
    column.turns = [];
    column.part.querySelector(".turns").replaceChildren();
  }
  keep();
});
for (const tick of playground.querySelectorAll("[data-column]")) {
  tick.addEventListener("change", () => {
    columns.find((column) => column.name === tick.dataset.column).part.hidden = !tick.checked;
  });
}
document.getElementById("as-table").addEventListener("click", (event) => {
  const cell = (text) => (text ?? "").replaceAll("|", "\\|").replaceAll("\n", "<br>");
  const line = (cells) => `| ${cells.map(cell).join(" | ")} |\n`;
  const used = shown();
  const titles = [words.prompt, ...used.map((column) => column.part.querySelector("h2").textContent.trim())];
  let table = line(titles) + line(titles.map(() => "---"));
  const first = used[0].turns;
  for (let index = 0; index < first.length; index += 2) {
    const answers = used.map((column) => column.turns[column.turns.indexOf(first[index]) + 1]);
    table += line([first[index], ...answers]);
  }
  navigator.clipboard.writeText(table);
  event.target.classList.add("done");
  setTimeout(() => event.target.classList.remove("done"), 1200);
});

// --- rows for the next training ------------------------------------------------------------------------------------

function addRow(question, answer) {
  if (!answer) return;
  const system = document.getElementById("system").value.trim();
  rows = rows.filter((row) => row.question !== question || row.system !== system);
  rows.push({ question, answer, system });
  drawRows();
  keep();
}

function drawRows() {
  const part = document.getElementById("judged");
  part.hidden = !rows.length;
  part.querySelector("ol").replaceChildren(
    ...rows.map((row) => {
      const item = element("li");
      for (const text of [row.question, row.answer]) {
        const said = element("p", "", text);
        said.dir = "auto";
        item.append(said);
      }
      item.append(button(words.remove, "", () => {
        rows = rows.filter((other) => other !== row);
        drawRows();
        keep();
      }));
      return item;
    }),
  );
  document.getElementById("judged-rows").value = JSON.stringify(rows);
}

document.getElementById("judged-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const status = event.target.querySelector("[role=status]");
  const isDownload = event.submitter?.value === "download";
  const body = new URLSearchParams(new FormData(event.target));
  if (isDownload) body.set("download", "on");
  try {
    const answer = await fetch(event.target.action, { method: "POST", body });
    if (answer.redirected) return location.assign(answer.url);
    if (isDownload && answer.ok) {
      const link = element("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = "judged.jsonl";
      link.click();
      return;
    }
    const told = await answer.json();
    if (told.refused) {
      status.textContent = told.refused;
      return;
    }
    const link = element("a", "", told.uri);
    link.href = told.page;
    status.replaceChildren(words.saved + " ", link);
    rows = [];
    drawRows();
    document.getElementById("judged").hidden = false;
    keep();
  } catch {
    status.textContent = document.body.dataset.unreachable;
  }
});

// --- what was there before a reload --------------------------------------------------------------------------------

// A question whose answers the reload cut off is asked again by whoever typed it.
document.getElementById("prompt").value ||= sessionStorage.getItem(askedKey) || "";
const kept = JSON.parse(sessionStorage.getItem(storeKey) || "null");
if (kept) {
  for (const column of columns) {
    column.turns = kept.turns[column.name] || [];
    column.turns.forEach((text, index) => {
      const box = addTurn(column, index % 2 ? "assistant" : "user", text);
      if (index % 2) addNote(box, column, "", column.turns[index - 1]);
    });
  }
  compareLast();
  rows = kept.rows || [];
  drawRows();
}
