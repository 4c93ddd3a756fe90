// The log of requests, and the faults that are planned for those to come.

import { control } from "./api.js";
import { badge, button, el, empty, keyed, time } from "./dom.js";

// What each kind of fault takes: name, what is asked for, and what stands there at first.
const KINDS = {
  status: ["Answer with a status", [["status", "status", 503], ["retry", "Retry-After, seconds", ""]]],
  drop: ["Reset the connection", [["after_commit", "after it is done", false]]],
  cut: ["Cut the answer", [["after", "after bytes", 10]]],
  delay: ["Delay", [["seconds", "seconds", 2]]],
  stall: ["Never answer", []],
};

export function requestsPanel() {
  const rows = el("tbody");
  const all = el("input", { type: "checkbox" });
  const none = empty("No requests yet.");
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...["Time", "Status", "Request", "Call and fault"].map((name) => el("th", { textContent: name })))), rows);
  let seen = { log: [] };
  const listed = () => seen.log.filter((record) => all.checked || record.row);
  const draw = () => {
    const log = listed();
    none.hidden = log.length > 0;
    table.hidden = log.length === 0;
    const counts = new Map();
    keyed(rows, log, (record) => numbered(counts, `${record.time} ${record.verb} ${record.path}`), row);
  };
  all.addEventListener("change", draw);
  const faults = faultBox();
  const head = el("div", { class: "row" }, el("h2", { textContent: "Requests" }), el("span", { class: "grow" }),
    el("label", { class: "check" }, all, "with media and pages"), button("Clear", () => control("DELETE", "/requests"), { class: "small" }));
  const element = el("div", { class: "columns" }, el("section", { class: "card wide" }, head, none, el("div", { class: "scroll" }, table)), faults.element);
  const update = (state) => {
    seen = state;
    draw();
    faults.update(state);
  };
  return { element, update, count: () => listed().length };
}

function numbered(counts, key) {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return `${key} ${counts.get(key)}`;
}

function row(record) {
  const status = record.status;
  const kind = status === null ? "soft" : status >= 500 ? "bad" : status >= 400 ? "warn" : "good";
  return el("tr", {},
    el("td", {}, time(record.time)),
    el("td", {}, badge(status === null ? "none" : String(status), kind)),
    el("td", {}, el("span", { class: "verb", textContent: record.verb }), " ", el("code", { textContent: short(record.path), title: record.path })),
    el("td", { class: "soft" }, record.row ?? "", " ", record.fault && badge(record.fault, "warn")));
}

function short(path) {
  return path.replace(/^\/client\/v4\/accounts\/[0-9a-f]{32}/, "…").replace(/([0-9a-f]{8})[0-9a-f]{24,}/g, "$1…");
}

function faultBox() {
  const pending = el("ul", { class: "faults" });
  const spent = el("ul", { class: "faults spent" });
  const none = empty("None is planned.");
  const call = el("select", { ariaLabel: "Call" }, el("option", { value: "", textContent: "any request" }));
  const kind = el("select", { ariaLabel: "Fault" }, ...Object.entries(KINDS).map(([value, [textContent]]) => el("option", { value, textContent })));
  const times = el("input", { type: "number", min: 1, max: 1000, value: 1 });
  const fields = el("div", { class: "fields" });
  let inputs = {};
  const choose = () => {
    inputs = Object.fromEntries(KINDS[kind.value][1].map(([name, label, value]) => [name, field(label, value)]));
    fields.replaceChildren(...Object.values(inputs).map((input) => input.label));
  };
  kind.addEventListener("change", choose);
  choose();
  const add = async () => {
    const fault = { kind: kind.value };
    for (const [name, { input }] of Object.entries(inputs)) {
      if (name === "retry") fault.headers = input.value === "" ? {} : { "Retry-After": input.value };
      else fault[name] = input.type === "checkbox" ? input.checked : Number(input.value);
    }
    await control("POST", "/faults", { row: call.value || null, faults: [fault], times: Number(times.value) });
  };
  const element = el("aside", { class: "card" },
    el("h2", { textContent: "Faults" }),
    el("p", { class: "soft", textContent: "Each one meets one request to come." }),
    el("div", { class: "stack tight" }, call, kind, fields,
      el("label", { class: "field" }, el("span", { textContent: "times" }), times),
      button("Add fault", add, { class: "primary" })),
    el("div", { class: "row" }, el("h3", { textContent: "Planned" }), el("span", { class: "grow" }), button("Forget all", () => control("DELETE", "/faults"), { class: "small" })),
    none, pending, el("h3", { textContent: "Spent" }), spent);
  const update = ({ faults, about }) => {
    if (call.options.length === 1) call.append(...about.calls.map((name) => el("option", { value: name, textContent: name })));
    none.hidden = faults.pending.length > 0;
    keyed(pending, grouped(faults.pending), (group) => group.key, planned);
    keyed(spent, grouped([...faults.spent].reverse().slice(0, 20)), (group) => group.key, planned);
  };
  return { element, update };
}

function field(text, value) {
  const box = typeof value === "boolean";
  const input = box ? el("input", { type: "checkbox", checked: value }) : el("input", { type: "number", min: 0, value });
  const words = el("span", { textContent: text });
  return { input, label: box ? el("label", { class: "check" }, input, words) : el("label", { class: "field" }, words, input) };
}

// Neighbours that are alike become one line.
function grouped(faults) {
  const groups = [];
  for (const { row: call, fault } of faults) {
    const last = groups.at(-1);
    if (last?.call === call && last.fault === fault) last.times += 1;
    else groups.push({ key: groups.length, call, fault, times: 1 });
  }
  return groups;
}

function planned({ call, fault, times }) {
  return el("li", {}, el("code", { textContent: call ?? "any request" }), badge(fault, "warn"), times > 1 && el("span", { class: "soft", textContent: `× ${times}` }));
}
