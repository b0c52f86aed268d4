// JsSIP, unmodified, over WebSocket.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import WebSocket from 'ws';

const require = createRequire(import.meta.url);
// What a browser has and this Node has not.
globalThis.WebSocket ??= WebSocket;
const JsSIP = require('jssip');
export const { version } = require('jssip/package.json');
JsSIP.debug.disable();

/** Registers; `registered`, or why not. */
function outcome(port, configuration) {
  const socket = new JsSIP.WebSocketInterface(`ws://127.0.0.1:${port}`);
  const agent = new JsSIP.UA({ sockets: [socket], register: true, register_expires: 60, ...configuration });
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => finish(reject, new Error('JsSIP said nothing')), 10_000);
    const finish = (how, what) => {
      clearTimeout(patience);
      agent.removeAllListeners();
      agent.stop();
      how(what);
    };
    agent.once('registered', () => finish(resolve, 'registered'));
    agent.once('registrationFailed', ({ cause }) => finish(resolve, cause));
    agent.start();
  });
}

/** What a page's phone does. */
export async function jssip(says, port) {
  const uri = 'sip:alice@rtc.test';
  const ha1 = '98e50217aedab69cde4c6166077cdc9b';
  const ha1b = '62789166d17cfe0f78850da0ca3d06ba';
  const whole = { authorization_user: 'alice@rtc.test', realm: 'rtc.test' };
  const cases = [
    ['JsSIP registers with the password', { password: 's3cret-A' }, 'registered'],
    ['JsSIP registers with the HA1 in its place', { ha1, realm: 'rtc.test' }, 'registered'],
    ['JsSIP registers as login@domain', { ...whole, password: 's3cret-A' }, 'registered'],
    ['JsSIP registers as login@domain with the HA1B in its place', { ...whole, ha1: ha1b }, 'registered'],
    ['JsSIP with a wrong password does not', { password: 'wrong' }, 'Authentication Error'],
    ['JsSIP with the HA1 of the other name does not', { ...whole, ha1 }, 'Authentication Error'],
  ];
  for (const [sentence, configuration, expected] of cases) {
    await says(sentence, async () => assert.equal(await outcome(port, { uri, ...configuration }), expected));
  }
}
