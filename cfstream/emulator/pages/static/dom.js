// Elements without HTML in strings: every value ends up as text or as an attribute.

export function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Makes the children of `parent` those of `items`, in order; what did not change keeps its element.
export function keyed(parent, items, key, build) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const after = items.map((item) => {
    const [name, state] = [String(key(item)), JSON.stringify(item)];
    const old = before.get(name);
    if (old?.dataset.state === state) return old;
    const made = build(item);
    made.dataset.key = name;
    made.dataset.state = state;
    return made;
  });
  after.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  while (parent.children.length > after.length) parent.lastElementChild.remove();
}

export function button(label, act, options = {}) {
  const run = async () => {
    element.disabled = true;
    try {
      await act();
    } catch (error) {
      toast(error.message);
    } finally {
      element.disabled = false;
    }
  };
  const element = el("button", { type: "button", textContent: label, onclick: run, ...options });
  return element;
}

export function copied(text, label = "Copy") {
  const element = button(label, async () => {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
    setTimeout(() => (element.textContent = label), 1200);
  }, { class: "small" });
  return element;
}

export function toast(message) {
  const shown = el("div", { class: "toast", role: "alert", textContent: message });
  document.body.append(shown);
  setTimeout(() => shown.remove(), 6000);
}

export function badge(text, kind) {
  return el("span", { class: `badge ${kind}`, textContent: text });
}

// A moment by the emulator's clock, as that is shown: UTC, 24 hours.
export function time(seconds) {
  const moment = new Date(seconds * 1000).toISOString();
  return el("span", { class: "soft time", textContent: moment.slice(11, 19), title: `${moment.slice(0, 10)}, UTC` });
}

// A secret is shown while the pointer or the focus is on it, so that a shared screen does not give it away.
export function entry(label, text, secret = false, hidden = text) {
  const code = el("code", { tabIndex: 0 });
  const [before, after] = secret ? text.split(hidden) : [text, ""];
  code.append(before);
  if (secret) code.append(el("span", { class: "secret", textContent: hidden }));
  code.append(after);
  return [el("dt", { textContent: label }), el("dd", {}, code, copied(text))];
}

export function empty(text) {
  return el("p", { class: "empty", textContent: text });
}
