// What the server is given.

import { url } from '../shared/server.mjs';
import { CLIENT, SECRET } from './provider.mjs';

/** A Tiledesk project that the operator made, and the secret of its integrator. */
export const provisioned = { id: '5c81593adf767b0017d1aa68', secret: 'a secret that only the integrator and we have' };

/** Where the dashboard is said to be. */
export const DASHBOARD = 'https://dashboard.example';

/** What the server's environment says besides. */
export const SETTINGS = {
  RINGFENCE__SERVER__PUBLIC_URL: url,
  RINGFENCE__DIALECTS__TILEDESK__DASHBOARD_URL: DASHBOARD,
  RINGFENCE__DIALECTS__TILEDESK__REDIRECT_URLS: 'https://shop.example/after',
};

/** What there is to be; `google` is where the imitation of Google listens. */
export const provision = (google) => `
[[project]]
name = "default"

[[project.application]]
name = "widget"
aliases = { tiledesk = "${provisioned.id}" }
[[project.application.trusted_issuer]]
profile = "tiledesk"
secret = "${provisioned.secret}"
[project.federation.google]
client_ids = ["${CLIENT}"]
client_secret = "${SECRET}"
jwks_url = "${google}/certs"
authorization_url = "${google}/authorize"
token_url = "${google}/token"
`;
