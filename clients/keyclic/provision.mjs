// What the server is given.

/** The keys of one application. */
export const KEYS = ['com.keyclic.app', 'com.keyclic.city'];
/** An application of another project. */
export const FOREIGN = 'com.other.app';

/** What there is to be. `access` is how long access tokens live, `facebook` where the imitation of Facebook listens. */
export const provision = ({ access, facebook }) => `
[[project]]
name = "default"
tokens = { access = "${access}", refresh = "30d" }
[[project.application]]
name = "City"
aliases = { keyclic = ${JSON.stringify(KEYS)} }
[[project.identity]]
email = "chief@example.org"
password = "correct horse battery staple"
roles = ["ORGANIZATION:ADMIN"]
[project.federation.facebook]
app_id = "app-1"
app_secret = "fb-secret"
graph_url = "http://127.0.0.1:${facebook}"
private_addresses = true
limited_login = { jwks_urls = ["http://127.0.0.1:${facebook}/jwks"], issuers = ["https://limited.facebook.com"] }

[[project]]
name = "elsewhere"
[[project.application]]
name = "Other"
aliases = { keyclic = "${FOREIGN}" }
`;
