// What an administrator does: begin by a link, sign in, type codes.

import { createHmac } from 'node:crypto';

import { site } from './browser.mjs';

export const PASSWORD = 'a quiet harbour in october';

/** The code that a generator with this secret shows (RFC 6238), `away` steps from now. */
export function code(secret, away = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + away));
  const tag = createHmac('sha1', key).update(step).digest();
  const at = tag[19] & 15;
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** From a one-time link to the console, with a generator; gives its secret and the recovery codes. */
export async function begin(page, link, name, password = PASSWORD) {
  await page.goto(link.replace(/^http:\/\/[^/]+/, site));
  if (name) await page.getByLabel('Name').fill(name);
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL('**/console/enrol');
  const secret = (await page.locator('#seed').textContent()).trim();
  await page.getByLabel('Code of your generator').fill(code(secret));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
  const codes = (await page.locator('#codes').textContent()).trim().split('\n');
  return { name, secret, codes, password };
}

/** The first factor. */
export async function password(page, name, words = PASSWORD) {
  await page.goto(`${site}/console/sign-in`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(words);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Both factors; a code of the next step, for those of now may be used. */
export async function signIn(page, who, shown = code(who.secret, 1)) {
  await password(page, who.name, who.password);
  await page.waitForURL('**/console/factor');
  await page.getByLabel('Code of your generator').fill(shown);
  await page.getByRole('button', { name: 'Continue' }).first().click();
  await page.waitForURL('**/console');
}
