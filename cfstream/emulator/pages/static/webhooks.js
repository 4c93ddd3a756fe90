// The messages to the account's webhook: what was sent, what came back, and once more.

import { control, stream } from "./api.js";
import { badge, button, el, empty, entry, keyed, time } from "./dom.js";

const KINDS = { delivered: "good", failed: "bad", waiting: "busy" };

export function webhooksPanel() {
  const address = el("input", { type: "url", placeholder: "http://127.0.0.1:3000/webhook", ariaLabel: "Address of the webhook" });
  const now = el("p", { class: "soft" });
  const secret = el("dl", { hidden: true });
  let shown = null;
  const list = el("div", { class: "stack tight" });
  const none = empty("Nothing was sent yet: a message goes out when a video becomes ready or fails.");
  const set = async () => {
    if (!/^https?:\/\/[^/]/i.test(address.value.trim())) {
      throw new Error("The address of a webhook begins with http:// or https://, such as http://127.0.0.1:3000/webhook");
    }
    await stream("PUT", "/webhook", { notificationUrl: address.value.trim() });
  };
  const element = el("section", { class: "card" },
    el("div", { class: "row" }, el("h2", { textContent: "Webhook" }), el("span", { class: "grow" }), button("Clear log", () => control("DELETE", "/webhooks"), { class: "small" })),
    now,
    el("div", { class: "row" }, address, button("Set", set, { class: "primary" }), button("Remove", () => stream("DELETE", "/webhook"), {})),
    secret, none, list);
  const update = ({ webhook, deliveries }) => {
    now.textContent = webhook ? `Messages go to ${webhook.url}` : "No webhook is set.";
    secret.hidden = !webhook;
    if (JSON.stringify(webhook) !== JSON.stringify(shown)) {
      // What is being typed stays.
      if (address.value === (shown?.url ?? "") || address.value.trim() === webhook?.url) address.value = webhook?.url ?? "";
      secret.replaceChildren(...(webhook ? entry("Secret", webhook.secret, true) : []));
      shown = webhook;
    }
    none.hidden = deliveries.length > 0;
    keyed(list, deliveries, (delivery) => delivery.id, row);
  };
  return { element, update, count: ({ deliveries }) => deliveries.length };
}

function row(delivery) {
  const answer = delivery.answer === null ? delivery.error : `status ${delivery.answer}`;
  const tries = delivery.attempts > 1 ? `, ${delivery.attempts} tries` : "";
  return el("details", { class: "delivery" },
    el("summary", {},
      time(delivery.created),
      badge(delivery.status, KINDS[delivery.status] ?? "soft"),
      el("strong", { textContent: delivery.event }),
      el("code", { textContent: delivery.uid }),
      el("span", { class: "soft grow", textContent: `${answer ?? ""}${tries}` }),
      button("Send again", () => control("POST", `/webhooks/${delivery.id}/redeliver`), { class: "small" })),
    el("pre", { textContent: `${Object.entries(delivery.headers).map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${pretty(delivery.body)}` }));
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
