// What the server is given.

/** Keys of back ends: one that administers, and one of the services, which may only listen. */
export const ADMIN = 'KEY_verify_019aa91446a7abababab_administers';
export const EVENTS = 'KEY_verify_019aa91446a7abababab_only_listens';
/** What pages show to name the application. */
export const PUBLISHABLE = '0123456789abcdef0123456789abcdef';
export const PASSWORD = 'correct horse battery staple';
export const MEMBERS = ['dan', 'eve', 'fay'].map((name) => `${name}@example.org`);

export const PROVISION = `
[[project]]
name = "default"
[[project.application]]
name = "rooms"
publishable_key = "${PUBLISHABLE}"
[[project.api_key]]
name = "backend"
value = "${ADMIN}"
scopes = ["*"]
[[project.api_key]]
name = "services"
value = "${EVENTS}"
scopes = ["events:read"]
${MEMBERS.map((email) => `[[project.identity]]\nemail = "${email}"\npassword = "${PASSWORD}"\n`).join('')}`;
