// What the server is given.

/** A Tiledesk project that the operator made, and the secret of its integrator. */
export const provisioned = { id: '5c81593adf767b0017d1aa68', secret: 'a secret that only the integrator and we have' };

export const PROVISION = `
[[project]]
name = "default"

[[project.application]]
name = "widget"
aliases = { tiledesk = "${provisioned.id}" }
[[project.application.trusted_issuer]]
profile = "tiledesk"
secret = "${provisioned.secret}"
`;
