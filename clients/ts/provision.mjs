// What the server is given.

/** The application whose tokens end after some seconds, and one that admits one connection. */
export const KEYS = { short: '0123456789abcdef0123456789abcdef', newest: '1123456789abcdef0123456789abcdef' };
/** Seconds that an access token lives. */
export const ACCESS = 6;
export const PASSWORD = 'correct horse battery staple';

export const PROVISION = `
[[project]]
name = "default"
tokens = { access = "${ACCESS}s", refresh = "1h" }
[[project.application]]
name = "widget"
publishable_key = "${KEYS.short}"
allowed_origins = ["*"]
inbound = "all"
socket = { warning = "2s", grace = "2s" }

[[project]]
name = "calm"
[[project.application]]
name = "phone"
publishable_key = "${KEYS.newest}"
allowed_origins = ["*"]
inbound = "newest"
[[project.identity]]
email = "taken@example.org"
password = "${PASSWORD}"
`;
