// Sends a file by tus-js-client, gives up on purpose after `abortAt` bytes, and tells what the server answered.
import { createReadStream } from "node:fs";
import { Upload } from "tus-js-client";

const { file, abortAt, ...options } = JSON.parse(process.argv[1]);
const answers = [];
const upload = new Upload(createReadStream(file), {
  ...options,
  retryDelays: null, // what fails is to be seen
  onAfterResponse: (request, response) => {
    answers.push([request.getMethod(), response.getStatus(), Number(response.getHeader("Upload-Offset") ?? 0)]);
  },
  onProgress: (sent) => {
    if (sent >= (abortAt ?? Infinity)) upload.abort().then(tell);
  },
  onSuccess: tell,
  onError: (error) => {
    throw error;
  },
});
upload.start();

function tell() {
  process.stdout.write(JSON.stringify({ url: upload.url, answers }), () => process.exit());
}
