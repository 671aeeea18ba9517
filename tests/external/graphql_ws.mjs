// The reference client of graphql-transport-ws against one address: `node graphql_ws.mjs URL KEY WRONG_KEY` prints what it saw as JSON.
import { createClient, CloseCode } from "graphql-ws";
import WebSocket from "ws";

const [url, key, wrongKey] = process.argv.slice(2);

function connect(options = {}) {
  const seen = [];
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { "X-API-Key": key },
    retryAttempts: 0,
    ...options,
    on: {
      closed: (event) => seen.push(`closed ${event.code}`),
      pong: (received, payload) => received && seen.push(`pong ${JSON.stringify(payload ?? null)}`),
      ...options.on,
    },
  });
  return { client, seen };
}

// The answers to an operation, at most `most`; what the operation ended with comes last.
async function answers(client, request, most = 100) {
  const found = [];
  try {
    for await (const answer of client.iterate(request)) {
      found.push(answer);
      if (found.length === most) break;
    }
    return found;
  } catch (error) {
    const ended = Array.isArray(error)
      ? { errors: error.map((each) => each.extensions.errorCode) }
      : { closed: error.code, reason: error.reason };
    return [...found, ended];
  }
}

const seen = {};
const { client, seen: events } = connect({ lazy: false, keepAlive: 50 });

seen.query = await answers(client, { query: "{ viewer { name scope } }" });
seen.variables = await answers(client, {
  query: "query Few($n: Int!) { fills(first: $n) { edges { node { symbol } } } }",
  operationName: "Few",
  variables: { n: 1 },
});
seen.mutation = await answers(client, {
  query: 'mutation { botPause(input: { reason: "r", idempotencyKey: "k", dryRun: true }) { command { id } errors { errorCode } } }',
});
seen.invalid = await answers(client, { query: "{ nothing }" });
seen.afterInvalid = await answers(client, { query: "{ bots { id } }" });
seen.failed = await answers(client, { query: 'subscription { botSummary(botId: "nobody") { seq } }' });
seen.subscription = await answers(client, { query: "subscription { botSummary(intervalSeconds: 1) { __typename } }" }, 2);
seen.together = await Promise.all(
  ["botSummary", "botState"].map((name) => answers(client, { query: `subscription { ${name}(intervalSeconds: 1) { __typename } }` }, 1)),
);
while (!events.some((event) => event.startsWith("pong"))) await new Promise((done) => setTimeout(done, 10));
seen.pong = events.find((event) => event.startsWith("pong"));
await client.dispose();
while (!events.some((event) => event.startsWith("closed"))) await new Promise((done) => setTimeout(done, 10));
seen.closed = events.find((event) => event.startsWith("closed"));

const refused = connect({ connectionParams: { "X-API-Key": wrongKey } });
seen.refused = await answers(refused.client, { query: "{ viewer { name } }" });
seen.codes = Object.fromEntries(Object.entries(CloseCode).filter(([name]) => Number.isNaN(Number(name))));

console.log(JSON.stringify(seen));
