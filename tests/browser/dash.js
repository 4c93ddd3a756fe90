// Plays one height of a DASH manifest in the page's video: reads it as players do, the browser judges what it names.
async ({ manifest, height }) => {
  const text = await (await fetch(manifest)).text();
  const mpd = new DOMParser().parseFromString(text, "application/xml");
  const source = new MediaSource();
  const video = document.querySelector("video");
  video.src = URL.createObjectURL(source);
  await new Promise((opened) => source.addEventListener("sourceopen", opened, { once: true }));

  const tracks = [...mpd.querySelectorAll("AdaptationSet")].map((set) => {
    const all = [...set.querySelectorAll("Representation")];
    const one = all.find((each) => each.getAttribute("height") === `${height}`) ?? all[0];
    const type = `${set.getAttribute("mimeType")}; codecs="${one.getAttribute("codecs")}"`;
    return { type, names: names(set.querySelector("SegmentTemplate"), one.id), buffer: source.addSourceBuffer(type) };
  });
  for (const { names, buffer } of tracks) {
    for (const name of names) {
      const segment = await fetch(new URL(name, manifest));
      if (!segment.ok) throw new Error(`${segment.status} ${segment.url}`);
      buffer.appendBuffer(await segment.arrayBuffer());
      await new Promise((taken, refused) => {
        buffer.addEventListener("updateend", taken, { once: true });
        buffer.addEventListener("error", () => refused(new Error(`${name} was not taken`)), { once: true });
      });
    }
  }
  source.endOfStream();
  await video.play();
  return tracks.map(({ type, names, buffer }) => ({
    type,
    segments: names.length - 1,
    spans: [...Array(buffer.buffered.length).keys()].map((i) => [buffer.buffered.start(i), buffer.buffered.end(i)]),
  }));

  function names(template, id) {
    const number = (digits, value) => `${value}`.padStart(digits, "0");
    const fill = (name, value) =>
      name.replace("$RepresentationID$", id).replace(/\$Number%0(\d+)d\$/, (_, digits) => number(digits, value));
    const first = Number(template.getAttribute("startNumber"));
    const count = [...template.querySelectorAll("S")].reduce((sum, s) => sum + 1 + Number(s.getAttribute("r")), 0);
    const media = [...Array(count).keys()].map((i) => fill(template.getAttribute("media"), first + i));
    return [fill(template.getAttribute("initialization")), ...media];
  }
}
