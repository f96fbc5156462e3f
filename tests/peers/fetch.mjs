// SPDX-License-Identifier: GPL-2.0-only
//
// fetch.mjs DIR CONCURRENCY TIMEOUT_S URL
//
// Asks what DIR/requests.tsv says with Node's own fetch, which keeps its
// connections alive.  Writes DIR/results.tsv (see judge.py).
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const [dir, concurrency, timeoutS, base] = process.argv.slice(2);
const part = 7000; // bytes a chunk

const requests = readFileSync(`${dir}/requests.tsv`, "utf8")
	.trimEnd().split("\n").map((line) => line.split("\t"));
const blobs = new Map(readdirSync(`${dir}/blobs`)
	.map((name) => [name, readFileSync(`${dir}/blobs/${name}`)]));
const keys = new Map(["good", "dead"].map((who) =>
	[who, readFileSync(`${dir}/key-${who}`, "utf8").trim().split(": ")]));

// What has no length fetch sends in chunks.
async function* parts(data) {
	for (let i = 0; i < data.length; i += part)
		yield data.subarray(i, i + part);
}

function options([id, who, method, framing, , blob]) {
	const [name, value] = keys.get(who);
	const o = {
		method,
		headers: { [name]: value, "X-Test-Id": id },
		signal: AbortSignal.timeout(1000 * Number(timeoutS)),
	};
	if (framing === "length")
		o.body = blobs.get(blob);
	if (framing === "chunked") {
		o.body = parts(blobs.get(blob));
		o.duplex = "half";
	}
	return o;
}

async function ask(request) {
	const [id, , method, , , blob] = request;
	const path = method === "GET" ? `/v1/blob/${blob}` : "/v1/echo";
	try {
		const response = await fetch(base + path, options(request));
		const body = Buffer.from(await response.arrayBuffer());
		return [id, response.status, response.headers.get("x-test-id") ?? "-",
			createHash("sha256").update(body).digest("hex")];
	} catch (e) {
		const why = `${e} ${e.cause ?? ""}`.replace(/\s+/g, " ");
		return [id, "-", "-", why];
	}
}

let next = 0;
const results = [];

async function worker() {
	while (next < requests.length)
		results.push(await ask(requests[next++]));
}

await Promise.all(Array.from({ length: Number(concurrency) }, worker));
writeFileSync(`${dir}/results.tsv`,
	results.map((r) => r.join("\t") + "\n").join(""));
