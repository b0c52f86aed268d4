// What the server is given.

/** A key that may do everything in the project. */
export const key = 'KEY_native_019aa91446a7abababab_all_of_it';

/** What pages show to name the application. */
export const publishable = '0123456789abcdef0123456789abcdef';

export const PROVISION = `
[[project]]
name = "default"
[[project.application]]
name = "widget"
publishable_key = "${publishable}"
[[project.api_key]]
name = "backend"
value = "${key}"
scopes = ["*"]
`;
