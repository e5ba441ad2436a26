// What the console answers piece by piece: lines of JSON, each yielded as it comes.
"use strict";

async function* jsonLines(url, body, csrf, signal) {
  const answer = await fetch(url, { method: "POST", body, signal, headers: { "x-csrf-token": csrf } });
  if (answer.redirected) {
    location.assign(answer.url);
    await new Promise(() => {}); // this page is left
  }
  if (!answer.ok) throw new Error(await answer.text());
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}
