// What a page cannot do without a script: live parts, copying, choosing in a dialog, parts that depend on what is typed.
// Markup comes from the console's own templates, which have escaped everything that is not theirs; text goes in as text.
"use strict";

// data-copy: puts its text into the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
});

// data-opens, data-closes: a dialog. data-applies: what was picked in it, into a hidden field of this id.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens], [data-closes], [data-applies]");
  if (!button) return;
  if (button.dataset.opens) document.getElementById(button.dataset.opens).showModal();
  if (button.dataset.closes) document.getElementById(button.dataset.closes).close();
  if (button.dataset.applies) {
    const dialog = button.closest("dialog");
    const picked = dialog.querySelector("input:checked");
    if (picked) {
      const field = document.getElementById(button.dataset.applies);
      field.value = picked.value;
      document.getElementById(button.dataset.shows).textContent = picked.dataset.shown;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    dialog.close();
  }
});

// data-refresh, data-from: a part of the page, asked for anew with all that the form holds.
async function refresh(source) {
  const target = document.querySelector(source.dataset.refresh);
  source.disabled = source.type === "button";
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(source.dataset.from, { method: "POST", body: new URLSearchParams(new FormData(source.form)) });
    if (answer.redirected) location.assign(answer.url);
    else target.innerHTML = await answer.text();
  } finally {
    source.disabled = false;
    target.removeAttribute("aria-busy");
    showTimes(target);
  }
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-refresh]");
  if (button) refresh(button);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-refresh]")) refresh(event.target);
});

// data-live: a part that the server draws anew whenever something has happened. The browser itself comes back after a
// break; what is drawn is the whole, so nothing is missed.
for (const part of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(part.dataset.live);
  source.addEventListener("draw", (event) => {
    const focused = part.contains(document.activeElement) ? document.activeElement.id || document.activeElement.textContent : null;
    const scrolled = part.querySelector(".events")?.scrollTop;
    part.innerHTML = event.data;
    showTimes(part);
    if (scrolled) part.querySelector(".events").scrollTop = scrolled;
    if (focused) [...part.querySelectorAll("button, a")].find((e) => (e.id || e.textContent) === focused)?.focus();
  });
  source.addEventListener("end", () => source.close());
  addEventListener("pagehide", () => source.close());
}

// <time>: in the reader's own zone.
function showTimes(within) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
showTimes(document);

// data-png: a chart as a picture, in the colours that it has on the page.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-png]");
  if (!button) return;
  const drawn = document.getElementById(button.dataset.png);
  const copy = drawn.cloneNode(true);
  const originals = drawn.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    for (const name of ["stroke", "stroke-width", "stroke-dasharray", "fill", "opacity", "font-size", "font-family"]) {
      element.setAttribute(name, style.getPropertyValue(name));
    }
  });
  const { width, height } = drawn.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width * 2);
  copy.setAttribute("height", height * 2);
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = width * 2;
    canvas.height = height * 2;
    const drawing = canvas.getContext("2d");
    drawing.fillStyle = getComputedStyle(drawn.closest("section")).backgroundColor;
    drawing.fillRect(0, 0, canvas.width, canvas.height);
    drawing.drawImage(picture, 0, 0);
    const link = document.createElement("a");
    link.download = button.dataset.file;
    link.href = canvas.toDataURL("image/png");
    link.click();
  };
  picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
});

// data-keep: what was typed into a form outlives a break or a sign-in, in this tab alone; it goes when it was sent.
for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = `kept:${form.dataset.keep}:${location.search}`;
  const fields = () => [...form.elements].filter((e) => e.name && !["hidden", "password", "button", "submit"].includes(e.type));
  const isNew = ![...fields()].some((e) => e.type === "text" && e.defaultValue && e.name !== "new_role_name");
  const kept = isNew && JSON.parse(sessionStorage.getItem(key) || "null");
  if (kept) {
    for (const field of fields()) {
      if (!(field.name in kept)) continue;
      if (field.type === "radio") field.checked = kept[field.name] === field.value;
      else if (field.type === "checkbox") field.checked = kept[field.name];
      else field.value = kept[field.name];
    }
  }
  form.addEventListener("input", () => {
    const now = {};
    for (const field of fields()) {
      if (field.type === "radio") { if (field.checked) now[field.name] = field.value; }
      else now[field.name] = field.type === "checkbox" ? field.checked : field.value;
    }
    sessionStorage.setItem(key, JSON.stringify(now));
  });
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
}

// On a narrow screen the menu begins closed.
if (matchMedia("(max-width: 899px)").matches) document.querySelector(".menu")?.removeAttribute("open");

// data-submits: a form of one choice, sent when it was made. data-again: a page that is asked for again after so many
// seconds, as long as something in it is still being made.
document.addEventListener("change", (event) => {
  if (event.target.form?.hasAttribute("data-submits")) event.target.form.submit();
});
const again = document.querySelector("[data-again]");
if (again) setTimeout(() => { if (!document.querySelector(":checked[required]")) location.reload(); }, again.dataset.again * 1000);

// data-upload: a file goes to S3 by a URL that is signed for it, with its progress; then its own page is shown.
for (const form of document.querySelectorAll("form[data-upload]")) {
  const progress = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  const fail = (message) => { progress.hidden = true; status.textContent = `${form.dataset.failed}: ${message}`; };
  const upload = async (file) => {
    const body = new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "file"));
    body.set("name", file.name);
    const answer = await fetch(form.dataset.upload, { method: "POST", body });
    if (answer.redirected) return location.assign(answer.url);
    const permit = await answer.json();
    if (!permit.url) return fail(permit.refused);
    const request = new XMLHttpRequest();
    request.open("PUT", permit.url);
    progress.hidden = false;
    request.upload.onprogress = (event) => { progress.value = event.loaded / event.total; };
    request.onload = () => (request.status < 300 ? location.assign(permit.page) : fail(`${request.status} ${request.responseText}`));
    request.onerror = () => fail("network");
    request.send(file);
  };
  form.querySelector("[type=file]").addEventListener("change", (event) => event.target.files[0] && upload(event.target.files[0]));
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
  });
}

// The playground: a question goes to each column, with what was said there; the answer comes line by line.
const playground = document.getElementById("playground");
if (playground) {
  const fewShot = JSON.parse(playground.dataset.fewShot);
  const columns = [...playground.querySelectorAll(".answerer")].map((part) => ({ part, turns: [] }));
  let stopping = null;

  const add = (column, kind, text) => {
    const box = document.createElement("div");
    box.className = `turn ${kind}`;
    box.dir = "auto";
    box.textContent = text;
    column.part.querySelector(".turns").append(box);
    return box;
  };

  async function ask(column, question, signal) {
    add(column, "user", question);
    const box = add(column, "assistant running", "");
    const before = column.part.dataset.name === "few-shot" ? fewShot : [];
    const body = new URLSearchParams(new FormData(document.getElementById("settings")));
    body.set("model", column.part.dataset.model);
    body.set("turns", JSON.stringify([...before, ...column.turns, question]));
    const log = column.part.querySelector(".turns");
    try {
      const answer = await fetch("/console/playground/answer", {
        method: "POST", body, signal, headers: { "x-csrf-token": playground.dataset.csrf },
      });
      if (answer.redirected) return location.assign(answer.url);
      if (!answer.ok) throw new Error(await answer.text());
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) take(JSON.parse(line));
        log.scrollTop = log.scrollHeight;
      }
    } catch (error) {
      if (error.name !== "AbortError") fail(String(error.message || error));
    }
    box.classList.remove("running");
    if (!box.classList.contains("refused") && box.textContent) column.turns.push(question, box.textContent);

    function fail(message) {
      box.className = "turn refused";
      box.textContent = message;
    }
    function take(piece) {
      if (piece.text) box.append(piece.text);
      if (piece.refused) fail(piece.refused);
      if (piece.end) {
        const note = document.createElement("small");
        const usage = piece.end.usage || {};
        note.textContent = playground.dataset.tokens.replace("§input", usage.inputTokens ?? "—")
          .replace("§output", usage.outputTokens ?? "—").replace("§ms", piece.end.latency ?? "—");
        if (piece.end.stop === "max_tokens") note.textContent += ` · ${playground.dataset.cut}`;
        box.after(note);
      }
    }
  }

  document.getElementById("question").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = document.getElementById("prompt");
    const question = field.value.trim();
    if (!question) return;
    const run = document.getElementById("run");
    run.disabled = true;
    stopping = new AbortController();
    await Promise.all(columns.filter((c) => !c.part.hidden).map((column) => ask(column, question, stopping.signal)));
    run.disabled = false;
    field.value = "";
    field.focus();
  });
  document.getElementById("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) document.getElementById("question").requestSubmit();
  });
  document.getElementById("clear").addEventListener("click", () => {
    stopping?.abort();
    for (const column of columns) {
      column.turns = [];
      column.part.querySelector(".turns").replaceChildren();
    }
  });
  for (const tick of playground.querySelectorAll("[data-column]")) {
    tick.addEventListener("change", () => {
      columns.find((c) => c.part.dataset.name === tick.dataset.column).part.hidden = !tick.checked;
    });
  }
}
