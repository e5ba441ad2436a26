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
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    dialog.close();
  }
});

// Escape closes a menu, as it does a dialog.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest(".dropdown[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// data-refresh, data-from: a part of the page, asked for anew with all that the form holds, and the button's own value.
// data-at-once: as soon as the page is there. Only the newest answer is shown.
async function refresh(source) {
  const target = document.querySelector(source.dataset.refresh);
  const body = new URLSearchParams(new FormData(source.form));
  if (source.type === "button" && source.name) body.set(source.name, source.value);
  const asked = (target.asked = Symbol("asked"));
  source.disabled = source.type === "button";
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(source.dataset.from, { method: "POST", body });
    const text = await answer.text();
    if (target.asked !== asked) return;
    if (answer.redirected) location.assign(answer.url);
    else target.innerHTML = text;
  } catch {
    if (target.asked === asked) target.textContent = document.body.dataset.unreachable;
  } finally {
    source.disabled = false;
    if (target.asked === asked) target.removeAttribute("aria-busy");
    dress(target);
  }
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-refresh]");
  if (button) refresh(button);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-refresh], select[data-refresh]")) refresh(event.target);
});
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button[data-refresh]");
  if (!button || event.target.hasAttribute("action")) return;
  event.preventDefault();
  refresh(button);
});
for (const button of document.querySelectorAll("[data-at-once]")) refresh(button);

// data-differs: a part that is drawn anew when anything in the form has changed.
for (const form of document.querySelectorAll("form[data-differs]")) {
  const part = document.getElementById(form.dataset.differs);
  let waiting = null;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh({ form, dataset: { refresh: `#${part.id}`, from: part.dataset.from } }), 300);
  });
}

// data-browses: what lies in a folder of S3, or at the beginning of a file, in the dialog; data-picks: its URI is taken.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-browses], [data-picks]");
  if (!button) return;
  const dialog = document.getElementById("file-picker");
  if (button.dataset.picks !== undefined) {
    const field = document.getElementById(dialog.dataset.field);
    field.value = button.dataset.picks;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    dialog.close();
    field.focus();
    return;
  }
  if (button.dataset.field) dialog.dataset.field = button.dataset.field;
  if (!dialog.open) dialog.showModal();
  const part = dialog.querySelector("[data-browsed]");
  part.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(button.dataset.browses);
    if (answer.redirected) return location.assign(answer.url);
    part.innerHTML = await answer.text();
    dress(part);
    part.querySelector("button, a")?.focus();
  } catch {
    part.textContent = document.body.dataset.unreachable;
  }
  part.removeAttribute("aria-busy");
});

// data-live: a part that the server draws anew whenever something has happened. The browser itself comes back after a
// break; what is drawn is the whole, so nothing is missed. Nobody looks at a tab that is hidden, so it asks for nothing.
// data-reload: at its end the page has more to show. data-until-end="its id": what is there only so long. While the pointer
// is down nothing is drawn, so that what is pressed is still there when it is let go.
for (const part of document.querySelectorAll("[data-live]")) {
  let source = null, isPressed = false, held = null;
  const draw = (event) => {
    held = isPressed ? event : null;
    if (held) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.id || document.activeElement.textContent : null;
    const scrolled = part.querySelector(".events")?.scrollTop;
    part.innerHTML = event.data;
    dress(part);
    if (scrolled) part.querySelector(".events").scrollTop = scrolled;
    if (focused) [...part.querySelectorAll("button, a")].find((e) => (e.id || e.textContent) === focused)?.focus();
  };
  part.addEventListener("pointerdown", () => { isPressed = true; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => {
    isPressed = false;
    if (held) draw(held);
  }));
  const close = () => { source?.close(); source = null; };
  const look = () => {
    close();
    if (document.hidden || part.dataset.ended) return;
    source = new EventSource(part.dataset.live);
    source.addEventListener("draw", draw);
    source.addEventListener("end", () => {
      part.dataset.ended = "yes";
      close();
      for (const gone of document.querySelectorAll(`[data-until-end="${part.id}"]`)) gone.remove();
      if (part.hasAttribute("data-reload")) location.reload();
    });
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  look();
}

// What has come into the page is made fit for its reader.
function dress(within) {
  showTimes(within);
  labelCells(within);
}

// Each cell of a table knows its column's name, so that on a narrow screen the columns can stand one below the other.
function labelCells(within) {
  for (const table of within.querySelectorAll("table:not(.beside)")) {
    const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    if (!names.length || table.querySelector("[colspan]")) continue;
    table.classList.add("labelled");
    for (const row of table.tBodies[0]?.rows ?? []) {
      [...row.cells].slice(1).forEach((cell, index) => { cell.dataset.label = names[index + 1] ?? ""; });
    }
  }
}

// <time>: in the reader's own zone.
function showTimes(within) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
dress(document);

// data-until: how long it is until then, said anew every second.
for (const part of document.querySelectorAll("[data-until]")) {
  const say = () => {
    const seconds = Math.round((new Date(part.dataset.until) - Date.now()) / 1000);
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600), Math.floor((seconds % 3600) / 60)];
    const clock = [hours, minutes, seconds % 60].map((each) => String(each).padStart(2, "0")).join(":");
    part.textContent = seconds <= 0 ? part.dataset.over : part.dataset.left.replace("§time", days ? `${days} d ${clock}` : clock);
  };
  say();
  setInterval(say, 1000);
}

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

// data-keep: what was typed into a form outlives a break or a sign-in, in this tab alone; it goes when it was sent off and
// a page has come of it. data-unsent: a page that says that it did not arrive.
const sent = sessionStorage.getItem("sent");
sessionStorage.removeItem("sent");
if (sent && !document.querySelector("[data-unsent]")) sessionStorage.removeItem(sent);
for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = `kept:${form.dataset.keep}:${location.pathname}${location.search}`;
  const isKept = (e) => e.name && (e.dataset.shownIn || !["hidden", "password", "file", "button", "submit"].includes(e.type));
  const fields = () => [...form.elements].filter(isKept);
  // A form that was refused comes back as it was typed.
  const kept = !form.hasAttribute("data-typed") && JSON.parse(sessionStorage.getItem(key) || "null");
  const restore = () => {
    for (const field of fields()) {
      if (!(field.name in kept)) continue;
      if (field.type === "radio") field.checked = kept[field.name] === field.value;
      else if (field.type === "checkbox") field.checked = kept[field.name];
      else field.value = kept[field.name];
    }
  };
  if (kept) {
    const chosen = form.querySelector("[data-shown-in]");
    const isOther = chosen && kept[chosen.name] && kept[chosen.name] !== chosen.value;
    restore();
    if (isOther) {
      document.getElementById(chosen.dataset.shownIn).textContent = chosen.value.split("/").pop();
      refresh(chosen).then(restore);
    }
  }
  for (const name of ["input", "change"]) form.addEventListener(name, () => {
    const now = {};
    for (const field of fields()) {
      if (field.type === "radio") { if (field.checked) now[field.name] = field.value; }
      else now[field.name] = field.type === "checkbox" ? field.checked : field.value;
    }
    sessionStorage.setItem(key, JSON.stringify(now));
  });
  if (form.method === "post") form.addEventListener("submit", () => sessionStorage.setItem("sent", key));
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
