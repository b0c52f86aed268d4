// What the server is given.

/** API keys of two accounts. */
export const keys = { home: 'KEY019aa91446a7abababababab_home', other: 'KEY019aa91446a7abababababab_other' };

export const ASSISTANT = 'assistant-7a1e9a3c-0000-4000-8000-000000000001';

export const PROVISION = `
[[project]]
name = "default"
sip = { domain = "rtc.test" }
[[project.api_key]]
name = "backend"
value = "${keys.home}"
scopes = ["*"]
[[project.guest_target]]
kind = "ai_assistant"
id = "${ASSISTANT}"

[[project]]
name = "elsewhere"
[[project.api_key]]
name = "backend"
value = "${keys.other}"
scopes = ["*"]
`;
