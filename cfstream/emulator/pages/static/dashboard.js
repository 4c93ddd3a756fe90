// The dashboard: asks the emulator how everything stands, over and over, and shows it.

import { control, useAccount } from "./api.js";
import { button, copied, el, toast } from "./dom.js";
import { livePanel } from "./live.js";
import { requestsPanel } from "./requests.js";
import { videosPanel } from "./videos.js";
import { webhooksPanel } from "./webhooks.js";

const EVERY = 1000; // milliseconds
const BUSY = 400;
const HOUR = 3600;

history.replaceState(null, "", location.pathname + location.hash); // the link's secret is not to stay in the address
let state = null;
const panels = {
  videos: ["Videos", videosPanel(() => state)],
  live: ["Live inputs", livePanel()],
  requests: ["Requests and faults", requestsPanel()],
  webhooks: ["Webhooks", webhooksPanel()],
};
const tabs = Object.fromEntries(Object.entries(panels).map(([name, [label]]) => [name, tab(name, label)]));
const time = el("strong");
const paused = button("Pause", () => control("POST", "/encoding", { do: state.encoding.paused ? "resume" : "pause" }).then(look), { class: "small" });
const step = button("Step", () => control("POST", "/encoding", { do: "step" }).then(look), { class: "small", title: "Let exactly one waiting video through" });
const encoder = el("strong");
const about = el("span", { class: "soft about" });
const lost = el("p", { class: "lost", hidden: true });

document.querySelector("#app").append(
  el("header", { class: "top" },
    el("div", { class: "row brand" }, el("img", { src: "/_pages/icon.svg", alt: "", width: 30, height: 30 }), el("h1", { textContent: "cfstream emulator" })),
    el("div", { class: "row tools" },
      el("div", { class: "tool" }, el("span", { class: "soft", textContent: "Clock" }), time,
        el("span", { class: "ahead" }, ahead("+1 h", HOUR), ahead("+1 day", 24 * HOUR), ahead("+30 days", 30 * 24 * HOUR))),
      el("div", { class: "tool" }, el("span", { class: "soft", textContent: "Encoder" }), encoder, paused, step),
      el("div", { class: "tool" }, button("Reset", reset, { class: "small danger", title: "Empty the account and turn everything back" }))),
    el("nav", {}, ...Object.values(tabs).map(({ link }) => link), el("span", { class: "grow" }), about)),
  lost,
  el("main", {}, ...Object.values(panels).map(([, panel]) => panel.element)),
);
addEventListener("hashchange", open);
open();
loop();

function tab(name, label) {
  const count = el("span", { class: "count" });
  return { link: el("a", { href: `#${name}` }, label, " ", count), count };
}

function open() {
  const chosen = panels[location.hash.slice(1)] ? location.hash.slice(1) : "videos";
  for (const [name, [, panel]] of Object.entries(panels)) {
    panel.element.hidden = name !== chosen;
    tabs[name].link.ariaCurrent = name === chosen ? "page" : null;
  }
}

function ahead(label, seconds) {
  return button(label, () => control("POST", "/clock", { advance: seconds }).then(look), { class: "small" });
}

async function reset() {
  if (!confirm("Empty the account, and turn clock, faults and limits back?")) return;
  await control("POST", "/reset");
  await look();
}

async function look() {
  state = await control("GET", "/overview");
  useAccount(state.about.account_id);
  if (!about.firstChild) about.append(`${state.about.version} · `, el("code", { textContent: state.about.api }), " ", copied(state.about.api));
  time.textContent = state.clock.time.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
  encoder.textContent = state.encoding.paused ? "paused" : "running";
  encoder.className = state.encoding.paused ? "warned" : "";
  paused.textContent = state.encoding.paused ? "Resume" : "Pause";
  step.disabled = !state.encoding.paused;
  for (const [name, [, panel]] of Object.entries(panels)) {
    panel.update(state);
    tabs[name].count.textContent = panel.count(state) || "";
  }
}

async function loop() {
  try {
    if (!document.hidden) await look();
    lost.hidden = true;
  } catch (error) {
    lost.hidden = false;
    lost.textContent = error.status === 401
      ? "This browser is not let in any more: open the link that the emulator printed when it started."
      : "The emulator does not answer; this page goes on trying.";
    if (error.status && error.status !== 401) toast(error.message);
  }
  const busy = state?.videos.some((video) => ["queued", "inprogress", "downloading"].includes(video.state));
  setTimeout(loop, busy && !state.encoding.paused ? BUSY : EVERY);
}
