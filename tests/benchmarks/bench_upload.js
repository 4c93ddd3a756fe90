// Uploads files by tus-js-client, some at a time, and tells what that took.
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const { endpoint, chunkSize, atOnce, mib, warmUp, files } = JSON.parse(process.argv[1]);

await uploadAll(warmUp);
forgetPeak();
const idle = memory("VmRSS");
const [began, before] = [performance.now(), process.cpuUsage()];
await uploadAll(files);
const wall = (performance.now() - began) / 1e3;
const { user, system } = process.cpuUsage(before);
const cpu = (((user + system) / 1e6) * 1024) / mib;
const peak = memory("VmHWM") - idle;
// what the system does not tell is NaN, which Python reads, but JSON.stringify would not write it
process.stdout.write(`{"MiB/s": ${mib / wall}, "cpu": ${cpu}, "peak": ${peak}}\n`, () => process.exit());

async function uploadAll(paths) {
  const left = [...paths];
  await Promise.all(Array.from({ length: atOnce }, worker));

  async function worker() {
    for (let path = left.shift(); path !== undefined; path = left.shift()) await upload(path);
  }
}

function upload(path) {
  return new Promise((onSuccess, onError) => {
    const options = { endpoint, chunkSize, retryDelays: null, onSuccess, onError };
    new Upload(createReadStream(path), options).start();
  });
}

function memory(kind) {
  try {
    return Number(readFileSync("/proc/self/status", "utf8").match(new RegExp(`${kind}:\\s+(\\d+)`))[1]) / 1024;
  } catch {
    return NaN;
  }
}

function forgetPeak() {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // memory() tells then what it can
  }
}
