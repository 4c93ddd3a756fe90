// Resumable uploads of the files that are dropped on the page: chunk by chunk, going on after what fails.

import { badge, button, el } from "./dom.js";
import { stream } from "./api.js";

const CHUNK = 52_428_800; // bytes, as the service advises
const TRIES = 6;
const VERSION = { "Tus-Resumable": "1.0.0" };

export function uploadBox(limits) {
  const rows = el("div", { class: "uploads" });
  const hidden = el("input", { type: "file", multiple: true, accept: "video/*,.mkv,.ts,.mxf,.flv", hidden: true, id: "files" });
  const secret = el("input", { type: "checkbox", id: "private" });
  const take = (files) => [...files].forEach((file) => rows.prepend(row(file, secret.checked, limits())));
  hidden.addEventListener("change", () => {
    take(hidden.files);
    hidden.value = "";
  });
  const over = (on) => (event) => {
    event.preventDefault();
    box.classList.toggle("over", on);
  };
  const box = el(
    "div",
    { class: "drop", ondragover: over(true), ondragleave: over(false), ondrop: dropped },
    el("div", { class: "drop-text" }, el("strong", { textContent: "Drop videos here" }), el("span", { textContent: "They are uploaded in chunks and encoded on this machine." })),
    el("div", { class: "drop-act" },
      el("label", { class: "check" }, secret, "Private: plays with a signed token only"),
      button("Choose files", () => hidden.click(), { class: "primary" })),
    hidden,
  );
  function dropped(event) {
    over(false)(event);
    take(event.dataTransfer.files);
  }
  return el("section", {}, box, rows);
}

function row(file, secret, limits) {
  const bar = el("progress", { max: Math.max(file.size, 1), value: 0 });
  const state = el("span", { class: "soft", textContent: "starting" });
  const aborter = new AbortController();
  const end = button("Cancel", () => aborter.abort(), { class: "small" });
  const element = el("div", { class: "upload" }, el("span", { class: "name", textContent: file.name }), bar, state, end);
  const tell = (done, text) => {
    bar.value = done;
    state.textContent = text ?? `${Math.floor((100 * done) / Math.max(file.size, 1))} %`;
  };
  upload(file, secret, limits, tell, aborter.signal).then(
    () => {
      element.replaceChildren(el("span", { class: "name", textContent: file.name }), badge("uploaded", "good"));
      setTimeout(() => element.remove(), 4000);
    },
    (error) => {
      const again = button("Again", () => element.replaceWith(row(file, secret, limits)), { class: "small" });
      const words = aborter.signal.aborted ? "cancelled" : error.message;
      element.replaceChildren(el("span", { class: "name", textContent: file.name }), badge(words, "bad"), again);
    },
  );
  return element;
}

async function upload(file, secret, limits, tell, signal) {
  const named = `name ${base64(file.name)}${secret ? ",requiresignedurls" : ""}`;
  const headers = { ...VERSION, "Upload-Length": String(file.size), "Upload-Metadata": named };
  const created = await again(() => stream("POST", "", undefined, headers), tell, signal);
  const location = created.headers.get("Location");
  const size = Math.max(limits.chunk_min, Math.min(CHUNK, limits.chunk_max));
  const chunk = size - (size % limits.chunk_multiple);
  let offset = 0;
  while (offset < file.size) {
    offset = await again(
      async (tries) => {
        if (tries) offset = await known(location, signal);
        return send(location, file.slice(offset, offset + chunk), offset, tell, signal);
      },
      tell,
      signal,
    );
  }
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

async function again(work, tell, signal) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work(tries);
    } catch (error) {
      const final = error.status >= 400 && error.status < 500 && ![408, 409, 423, 429].includes(error.status);
      if (signal.aborted || final || tries + 1 >= TRIES) throw error;
      tell(0, `${error.message}; trying again`);
      await new Promise((done) => setTimeout(done, 250 * 2 ** tries));
    }
  }
}

async function known(location, signal) {
  const answer = await fetch(location, { method: "HEAD", headers: VERSION, signal });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { status: answer.status });
  return Number(answer.headers.get("Upload-Offset"));
}

// fetch() tells no progress of what it sends.
function send(location, part, offset, tell, signal) {
  return new Promise((sent, failed) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", location);
    request.setRequestHeader("Tus-Resumable", VERSION["Tus-Resumable"]);
    request.setRequestHeader("Content-Type", "application/offset+octet-stream");
    request.setRequestHeader("Upload-Offset", String(offset));
    request.upload.addEventListener("progress", (event) => tell(offset + event.loaded));
    request.addEventListener("error", () => failed(new Error("the connection was lost")));
    request.addEventListener("abort", () => failed(new Error("cancelled")));
    request.addEventListener("load", () => {
      if (request.status === 204) sent(Number(request.getResponseHeader("Upload-Offset")));
      else failed(Object.assign(new Error(`status ${request.status}`), { status: request.status }));
    });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(part);
  });
}
