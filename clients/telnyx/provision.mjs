// What the server is given.

/** API keys: of a back end that may do everything, of one that may only look, and of another account. */
export const keys = {
  all: 'KEY019aa91446a7abababababab_all_of_it',
  looker: 'KEY019aa91446a7abababababab_only_look',
  other: 'KEY019aa91446a7abababababab_elsewhere',
};

export const PROVISION = `
[[project]]
name = "default"
[[project.api_key]]
name = "backend"
value = "${keys.all}"
scopes = ["*"]
[[project.api_key]]
name = "looker"
value = "${keys.looker}"
scopes = ["identities:read"]

[[project]]
name = "elsewhere"
[[project.api_key]]
name = "backend"
value = "${keys.other}"
scopes = ["*"]
`;
