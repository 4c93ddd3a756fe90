// Looks at a few pictures of the page's video as they come, `apart` seconds of the film between them.
async ({ count, apart }) => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 36];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pictures = [];
  while (pictures.length < count) {
    const frame = await new Promise((seen) => video.requestVideoFrameCallback((_, frame) => seen(frame)));
    if (pictures.length && frame.mediaTime < pictures.at(-1).time + apart) continue;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    pictures.push({ time: frame.mediaTime, clock: video.currentTime, pixels: [...new Uint32Array(data.buffer)] });
  }
  const size = [video.videoWidth, video.videoHeight];
  return { source: video.currentSrc, size, sound: video.webkitAudioDecodedByteCount, pictures };
}
