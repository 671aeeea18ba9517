// The audits of graphql-http against one address: `node audits.mjs URL KEY` prints one JSON line for each.
import { serverAudits } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (address, options = {}) => fetch(address, { ...options, headers: { ...options.headers, "X-API-Key": key } });

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name } = audit;
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}
