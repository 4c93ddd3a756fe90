// The player's page: what its address asks for beyond the attributes of <video>, and the wait for something to play.

const EVERY = 1000; // milliseconds between two looks
const HLS = "application/vnd.apple.mpegurl";
const MANIFEST = "manifest/video.m3u8";
const query = new URLSearchParams(location.search);
const video = document.querySelector("video");
const waiting = document.querySelector("[data-waiting]");

colour("letterboxColor", "--letterbox");
colour("primaryColor", "--primary");
if (waiting) waitUntilPlayable();
else if (video?.dataset.live) waitForBroadcast();
else if (video) {
  startAt(seconds(query.get("startTime")));
  offerToPlay();
}

function colour(parameter, property) {
  const value = query.get(parameter);
  if (value && CSS.supports("color", value)) document.documentElement.style.setProperty(property, value);
}

// `123`, `123s` or `1h12m27s`; nothing else counts.
function seconds(text) {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text ?? "");
  if (!text || !match) return 0;
  const [hours, minutes, rest] = match.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + rest;
}

function startAt(time) {
  if (time > 0) video.addEventListener("loadedmetadata", () => (video.currentTime = time), { once: true });
  if (time > 0 && video.readyState) video.currentTime = time;
}

// Browsers show a small button only; autoplay may be refused.
function offerToPlay() {
  if (!video.controls || !video.paused || document.querySelector(".play")) return;
  const button = document.createElement("button");
  button.className = "play";
  button.type = "button";
  button.ariaLabel = "Play";
  button.addEventListener("click", () => video.play());
  video.addEventListener("play", () => button.remove(), { once: true });
  document.body.append(button);
}

async function asked(path) {
  try {
    const answer = await fetch(path, { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the emulator may be starting anew
  }
}

// A broadcast that has just begun has no manifest yet: 204.
async function there(path) {
  const answer = await fetch(path, { cache: "no-store" }).catch(() => null);
  return answer?.status === 200;
}

async function waitUntilPlayable() {
  const now = await asked("player/state.json");
  if (now && (now.playable || now.state !== waiting.dataset.waiting)) return location.reload();
  const bar = waiting.querySelector("progress");
  if (typeof now?.percent === "number") bar.value = now.percent;
  setTimeout(waitUntilPlayable, EVERY);
}

async function onAir() {
  if (video.dataset.live === "input") return Boolean((await asked("lifecycle"))?.live);
  const now = await asked("player/state.json");
  if (now && now.state !== "live-inprogress") location.reload();
  return now?.state === "live-inprogress";
}

async function waitForBroadcast() {
  const notice = document.querySelector(".notice");
  if (!video.canPlayType(HLS)) {
    notice.querySelector("p").textContent = "This browser plays no HLS by itself; Chromium, Chrome, Edge and Safari do.";
    return;
  }
  const show = (on) => {
    video.hidden = !on;
    notice.hidden = on;
  };
  const stop = () => {
    video.removeAttribute("src");
    video.load();
    document.querySelector(".play")?.remove();
    show(false);
  };
  let failures = 0;
  video.addEventListener("ended", stop);
  video.addEventListener("error", () => {
    if (!video.getAttribute("src")) return;
    failures += 1;
    stop();
  });
  video.addEventListener("playing", () => (failures = 0));
  for (;;) {
    if (!video.getAttribute("src") && (await onAir()) && (await there(MANIFEST))) {
      video.src = MANIFEST;
      show(true);
      offerToPlay();
    }
    await new Promise((done) => setTimeout(done, EVERY * Math.min(1 + failures, 3)));
  }
}
