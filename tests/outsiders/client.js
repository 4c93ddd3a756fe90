// Sends a file by tus-js-client and tells what the server answered; a line on stdin makes it stop at once.
import { createReadStream } from "node:fs";
import { Upload } from "tus-js-client";

const { file, ...options } = JSON.parse(process.argv[1]);
const answers = [];
const upload = new Upload(createReadStream(file), {
  ...options,
  retryDelays: null, // what fails is to be seen
  onAfterResponse: (request, response) => {
    answers.push([request.getMethod(), response.getStatus(), Number(response.getHeader("Upload-Offset") ?? 0)]);
  },
  onSuccess: tell,
  onError: (error) => {
    throw error;
  },
});
process.stdin.once("data", () => upload.abort().then(tell));
upload.start();

function tell() {
  process.stdout.write(JSON.stringify({ url: upload.url, answers }), () => process.exit());
}
