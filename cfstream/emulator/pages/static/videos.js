// The videos of the account: pictures, states as they change, and what can be done with each.

import { CONTROL, stream } from "./api.js";
import { badge, button, copied, el, empty, keyed } from "./dom.js";
import { uploadBox } from "./upload.js";

const LIVE = "live-inprogress";
const WORDS = {
  pendingupload: ["waiting for upload", "soft"],
  downloading: ["fetching", "busy"],
  queued: ["queued", "busy"],
  inprogress: ["encoding", "busy"],
  ready: ["ready", "good"],
  error: ["error", "bad"],
  [LIVE]: ["live", "live"],
};

export function videosPanel(state) {
  const grid = el("div", { class: "grid" });
  const none = empty("There are no videos yet. Drop a file above, or point a client at the API.");
  const element = el("div", {}, uploadBox(() => state().limits), none, grid);
  const update = ({ videos }) => {
    none.hidden = videos.length > 0;
    keyed(grid, videos, (video) => video.uid, card);
  };
  return { element, update, count: ({ videos }) => videos.length };
}

function card(video) {
  const title = video.name ?? video.uid;
  const [word, kind] = WORDS[video.state] ?? [video.state, "soft"];
  const busy = ["queued", "inprogress", "downloading"].includes(video.state);
  const percent = video.state === "inprogress" && video.percent !== null;
  const bar = busy && el("progress", { max: 100, ...(percent ? { value: video.percent } : {}) });
  return el(
    "article",
    { class: "video" },
    picture(video, title),
    el("div", { class: "body" },
      el("h3", { textContent: title, title }),
      el("p", { class: "facts" }, badge(percent ? `${word} ${Math.round(video.percent)} %` : word, kind), video.private && badge("private", "soft"), el("span", { textContent: facts(video) })),
      bar || null,
      video.error_code && el("p", { class: "error", textContent: `${video.error_text} (${video.error_code})` }),
      el("div", { class: "acts" },
        copied(video.uid, "Copy uid"),
        (video.playable || video.state === LIVE) && button("New tab", async () => window.open(await page(video), "_blank", "noopener"), { class: "small" }),
        button("Delete", () => confirm(`Delete ${title}?`) && stream("DELETE", `/${video.uid}`), { class: "small danger" }))),
  );
}

function picture(video, title) {
  if (!video.playable && video.state !== LIVE) return el("div", { class: "still" }, el("span", { class: "waits", textContent: (WORDS[video.state] ?? [video.state])[0] }));
  const image = video.playable
    ? el("img", { src: `${CONTROL}/videos/${video.uid}/thumbnail.jpg`, alt: "", loading: "lazy" })
    : el("span");
  return button("", () => play(video, title), { class: `still plays${video.playable ? "" : " unseen"}`, ariaLabel: `Play ${title}` }).appendChild(image).parentElement;
}

function facts(video) {
  const parts = [];
  if (video.duration >= 0) parts.push(clock(video.duration));
  if (video.width > 0) parts.push(`${video.width}×${video.height}`);
  if (video.size > 0) parts.push(bytes(video.size));
  return parts.join(" · ");
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return whole < 10 ? `${seconds.toFixed(1)} s` : `${minutes}:${String(rest).padStart(2, "0")}`;
}

function bytes(size) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${(size / 1000 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

// A private video plays with a token of one hour, made by the API as any client would.
async function page(video) {
  const key = video.private ? (await stream("POST", `/${video.uid}/token`)).token : video.uid;
  return `/${key}/watch`;
}

async function play(video, title) {
  show(title, `${await page(video)}?autoplay`);
}

export function show(title, address) {
  const frame = el("iframe", { src: address, allow: "autoplay; fullscreen; encrypted-media; picture-in-picture", title });
  const dialog = el("dialog", { class: "theatre", onclose: () => dialog.remove() }, frame);
  const bar = el("header", {}, el("strong", { textContent: title }), button("Close", () => dialog.close(), { class: "small" }));
  dialog.prepend(bar);
  document.body.append(dialog);
  dialog.showModal();
}
