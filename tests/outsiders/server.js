// @tus/server with the little of Cloudflare around it that an upload needs: the header with the new video's uid, and
// GET of a video. Prints its port; uploads are made by POST to `path` and kept in `folder`.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { FileStore } from "@tus/file-store";
import { EVENTS, Server } from "@tus/server";

const { folder, path } = JSON.parse(process.argv[1]);
const datastore = new FileStore({ directory: folder });
const tus = new Server({ path, datastore, namingFunction: () => randomUUID().replaceAll("-", "") });
tus.on(EVENTS.POST_CREATE, (request, upload) => {
  request.runtime.node.res.setHeader("stream-media-id", upload.id);
});

const server = createServer((request, response) =>
  request.method === "GET" ? tell(request.url.split("/").at(-1), response) : tus.handle(request, response),
);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

async function tell(uid, response) {
  const { size, offset, creation_date: created } = await datastore.getUpload(uid);
  const state = offset === size ? "queued" : "pendingupload";
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ success: true, result: { uid, created, size, status: { state } } }));
}
