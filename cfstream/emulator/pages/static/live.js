// Live inputs: make one, see whether it is on air, and how to publish to it.

import { stream } from "./api.js";
import { badge, button, el, empty, entry, keyed } from "./dom.js";
import { show } from "./videos.js";

const ON_AIR = ["connected", "reconnected"];

export function livePanel() {
  const list = el("div", { class: "stack" });
  const none = empty("There are no live inputs yet. Make one: it gets an address and a stream key to publish to.");
  const name = el("input", { placeholder: "Name of a new live input", ariaLabel: "Name of a new live input", maxLength: 100 });
  const make = async () => {
    await stream("POST", "/live_inputs", { meta: { name: name.value || "Live" }, recording: { mode: "automatic" } });
    name.value = "";
  };
  const form = el("div", { class: "row card" }, name, button("Create", make, { class: "primary" }), el("span", { class: "soft", textContent: "It records: each broadcast becomes a video." }));
  const element = el("div", { class: "stack" }, form, none, list);
  const update = ({ live_inputs: inputs }) => {
    none.hidden = inputs.length > 0;
    keyed(list, inputs, (input) => input.uid, card);
  };
  return { element, update, count: ({ live_inputs: inputs }) => inputs.length };
}

function stateOf(input) {
  if (input.enabled === false) return badge("disabled", "soft");
  const state = input.status?.current?.state ?? null;
  if (ON_AIR.includes(state)) return badge("on air", "live");
  return badge(state ?? "never connected", "soft");
}

function card(input) {
  const title = input.meta?.name ?? input.uid;
  const { url, streamKey: key } = input.rtmps;
  const address = `${url.replace(/\/*$/, "/")}${key}`;
  const line = `ffmpeg -re -i talk.mp4 -c:v libx264 -preset veryfast -g 60 -c:a aac -f flv "${address}"`;
  const off = input.enabled === false;
  const switched = button(off ? "Enable" : "Disable", () => stream("POST", `/live_inputs/${input.uid}/${off ? "enable" : "disable"}`), { class: "small" });
  return el(
    "article",
    { class: "card input" },
    el("header", {}, el("h3", { textContent: title }), stateOf(input), el("span", { class: "grow" }),
      button("Watch", () => show(title, `/${input.uid}/iframe?autoplay&muted`), { class: "small" }), switched,
      button("New keys", () => stream("POST", `/live_inputs/${input.uid}/rotate_keys`), { class: "small" }),
      button("Delete", () => confirm(`Delete ${title}?`) && stream("DELETE", `/live_inputs/${input.uid}`), { class: "small danger" })),
    el("dl", {},
      ...entry("Server", url),
      ...entry("Stream key", key, true),
      ...entry("With ffmpeg", line, true, key),
      ...entry("HLS manifest", input.playback.hls)),
  );
}
