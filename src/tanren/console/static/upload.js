// data-upload: files go to S3 by URLs that are signed for them, each with its progress. One leads to its own page,
// several to the list of their folder; where one fails, the page stays and says why.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const shown = form.querySelector("[role=status]");

  const permit = async (file) => {
    const body = new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "file"));
    body.set("name", file.name);
    const answer = await fetch(form.dataset.upload, { method: "POST", body });
    // The session is over.
    if (answer.redirected) { location.assign(answer.url); return new Promise(() => {}); }
    const permitted = await answer.json();
    if (!permitted.url) throw new Error(permitted.refused);
    return permitted;
  };

  const put = (file, url, progress) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => { progress.value = event.loaded / event.total; };
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`${request.status} ${request.responseText}`)));
    request.onerror = () => reject(new Error("network"));
    request.send(file);
  });

  const upload = async (file) => {
    const line = shown.appendChild(document.createElement("p"));
    const progress = document.createElement("progress");
    progress.max = 1;
    progress.setAttribute("aria-label", file.name);
    line.append(file.name, progress);
    try {
      const permitted = await permit(file);
      await put(file, permitted.url, progress);
      return permitted;
    } catch (error) {
      line.textContent = `${file.name}: ${form.dataset.failed}: ${error.message}`;
      return null;
    }
  };

  const uploadAll = async (files) => {
    shown.replaceChildren();
    const permitted = [];
    for (const file of files) permitted.push(await upload(file));
    if (permitted.length && permitted.every(Boolean)) {
      location.assign(permitted.length === 1 ? permitted[0].page : permitted[0].list);
    }
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[type=file]").addEventListener("change", (event) => uploadAll([...event.target.files]));
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    uploadAll([...event.dataTransfer.files]);
  });
}
