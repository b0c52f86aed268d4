// What the clients of ApiRTC find: a line to the server that can be cut, what the server was made with, and its HTTP face.

import { createHmac, randomUUID } from 'node:crypto';

import { listen } from '../shared/server.mjs';
import { openLine } from './line.mjs';

/** What lies between the clients and the server. */
export const line = await openLine(listen);
export const url = `http://${line.address}`;
export const cloudUrl = `${url}/apirtc`;

/** Applications: apiKey and, where its back end signs tokens, the secret. */
export const applications = {
  widget: { key: '0123456789abcdef0123456789abcdef', secret: 'M;ak,SKPs|*uK)9mKO?Jy!2/"wTzv_o3dzB7i8[sN&eQ' },
  closed: { key: 'fedcba9876543210fedcba9876543210', secret: 'uB}1Zq"R:9]lW0Lq7f(Q<`4+xkV2@hYt$5cN8^mAoE=#' },
  wild: { key: '00112233445566778899aabbccddeeff', secret: 'Xw3#nT`8;dRk2{Lq5,Vb7!Gz0%Hc9&Jm4*Pf6(Sa1)Ye' },
  elsewhere: { key: 'ffeeddccbbaa99887766554433221100', secret: "k5'Dn;2Rw8}Gt1_Yb6/Jq9?Mz3\"Xc7=Lp0+Vf4-Hs&Ta" },
};

export const agent = { email: 'agent@example.org', password: 'violet otter under glass', nickname: 'Agent Ann' };
export const BACKEND = 'KEY019aa91446a7abababababab_home';

const text = JSON.stringify;

const issuer = ({ secret }) => `[[project.application.trusted_issuer]]\nprofile = "apirtc"\nsecret = ${text(secret)}`;

export const PROVISION = `
[[project]]
name = "default"
[[project.application]]
name = "widget"
publishable_key = "${applications.widget.key}"
${issuer(applications.widget)}
[[project.application]]
name = "closed"
publishable_key = "${applications.closed.key}"
sign_in = ["assertion"]
${issuer(applications.closed)}
[[project.application]]
name = "wild"
publishable_key = "${applications.wild.key}"
assertion_wildcard = true
${issuer(applications.wild)}
[[project.identity]]
email = "${agent.email}"
password = "${agent.password}"
nickname = "${agent.nickname}"
[[project.api_key]]
name = "backend"
value = "${BACKEND}"
scopes = ["tokens:issue"]

[[project]]
name = "elsewhere"
[[project.application]]
name = "theirs"
publishable_key = "${applications.elsewhere.key}"
${issuer(applications.elsewhere)}
`;

export const SETTINGS = { RINGFENCE__SERVER__PUBLIC_URL: url, RINGFENCE__LOG__LEVEL: 'debug' };

/** Asks a cloud call; the status and the body. */
export async function cloud(method, path, { bearer, ...request } = {}) {
  const headers = { ...request.headers, ...(bearer && { authorization: `Bearer ${bearer}` }) };
  const answer = await fetch(`${cloudUrl}${path}`, { method, ...request, headers });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** A JSON body. */
export const json = (value) => ({ headers: { 'content-type': 'application/json' }, body: text(value) });

/** Signs in over HTTP; the token. */
export async function login({ email, password } = agent) {
  const body = new FormData();
  body.set('username', email);
  body.set('password', password);
  const answer = await cloud('POST', '/api/v3/authenticate', { body });
  if (answer.status !== 200) throw new Error(`signing in: ${answer.status} ${text(answer.body)}`);
  return answer.body.token;
}

const base64url = (value) => Buffer.from(value).toString('base64url');

/** The time in seconds, so many from now. */
export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** A JWT as a back end makes it (the vendor's sample), with whatever is to be wrong with it. */
export function jwt(user, { application = applications.widget, header = {}, secret = application.secret, ...claims } = {}) {
  const all = {
    sub: application.key,
    aud: 'apiRTC',
    grants: { apiRTC_UserAgent_Id: user },
    iat: inSeconds(0),
    exp: inSeconds(3600),
    jti: randomUUID(),
    ...claims,
  };
  const signed = `${base64url(text({ alg: 'HS256', typ: 'JWT', ...header }))}.${base64url(text(all))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** A token that nobody signed. */
export const unsigned = (token) => `${base64url('{"alg":"none","typ":"JWT"}')}.${token.split('.')[1]}.`;
