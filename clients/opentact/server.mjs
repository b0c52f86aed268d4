// What the clients of Opentact find: where the server is, and what it was made with.

import { listen, provisionFile, ringfence, url } from '../shared/server.mjs';

/** What a client has for its base address, and for that of its socket. */
export const base = `${url}/opentact/rest`;
export const wss = `ws://${listen}/opentact`;
export const PASSWORD = 'correct: horse battery staple';
export const SETTINGS = { RINGFENCE__DIALECTS__OPENTACT__CALLBACK_HOSTS: 'app.example.org' };

/** What there is. `access` is how long tokens live, `lenient` whether the project allows what is unsafe. */
export const provision = ({ access, lenient, provider }) => `
[[project]]
name = "default"
tokens = { access = "${access}", refresh = "30d" }
compat = { token_in_query = ${lenient}, digest_over_http = ${lenient} }
password = { min_length = 8 }
[[project.identity]]
email = "chief@example.org"
password = "${PASSWORD}"
roles = ["Admin"]
[project.federation.google]
client_ids = ["web-1", "ios-1"]
jwks_url = "http://127.0.0.1:${provider}/jwks"
private_addresses = true
[project.federation.facebook]
app_id = "app-1"
app_secret = "fb-secret"
graph_url = "http://127.0.0.1:${provider}"
private_addresses = true

[[project]]
name = "elsewhere"
compat = { token_in_query = true, digest_over_http = true }
`;

/** Applies another provisioning to the running server. */
export async function apply(wanted) {
  await ringfence('apply', provisionFile(provision(wanted)));
}
