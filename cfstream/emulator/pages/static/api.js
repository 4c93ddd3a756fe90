// Calls of the emulator; the cookie of this browser goes with them.

export const CONTROL = "/_emulator";
let account = "";

export function useAccount(id) {
  account = `/client/v4/accounts/${id}/stream`;
}

export function stream(verb, path, body, headers = {}) {
  return call(verb, account + path, body, headers);
}

export function control(verb, path, body) {
  return call(verb, CONTROL + path, body);
}

async function call(verb, path, body, headers = {}) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: verb, headers: { ...type, ...headers }, cache: "no-store", ...sent });
  const text = await answer.text();
  const json = text && answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null;
  if (!answer.ok) {
    const reasons = json?.errors?.map((error) => error.message).join("; ");
    throw Object.assign(new Error(reasons || `${answer.status} ${answer.statusText}`), { status: answer.status });
  }
  return json?.result ?? answer;
}
