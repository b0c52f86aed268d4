// The recipes of the documentation, run as they stand there.

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { check } from './checks.mjs';
import { binary, database, freePort, onPostgres, run, scratch } from './processes.mjs';
import { environment, relay, url } from './ringfence.mjs';

const docs = join(dirname(fileURLToPath(import.meta.url)), '../../docs/recipes');

const place = onPostgres ? new URL(database) : undefined;

/** The database as one of the roles that `ringfence sip views` makes. */
export const viewUrl = (role) => `postgres://ringfence_${role}:${role}-password@${place.host}${place.pathname}`;

/** Shell variables that the recipes ask the reader to set. */
const variables = async () => ({
  ...environment,
  PATH: `${scratch}/bin:${process.env.PATH}:/usr/sbin`,
  RINGFENCE: url,
  SIP_ADDRESS: `127.0.0.1:${await freePort()}`,
  TURN_ADDRESS: '127.0.0.1',
  TURN_PORT: String(relay.port),
  ...(place && {
    DATABASE: database,
    DATABASE_HOST: place.hostname,
    DATABASE_PORT: place.port,
    DATABASE_NAME: place.pathname.slice(1),
    KAMAILIO_PASSWORD: 'kamailio-password',
    COTURN_PASSWORD: 'coturn-password',
  }),
});

/** Runs the shell blocks of a recipe, each as a check; those marked `postgresql` only there. */
export async function recipe(name) {
  const text = readFileSync(join(docs, `${name}.md`), 'utf8');
  const blocks = [...text.matchAll(/^```sh( postgresql)?\n([^]*?)^```$/gm)];
  assert.ok(blocks.length > 1, `${name}.md has commands`);
  const env = await variables();
  for (const [, needsPostgres, commands] of blocks) {
    if (needsPostgres && !onPostgres) continue;
    await check(`docs/recipes/${name}.md: ${commands.trim().split('\n')[0]}`, async () => {
      const done = await run('sh', ['-euc', commands], { env });
      assert.equal(done.code, 0, done.stderr + done.stdout);
    });
  }
}

/** Makes `ringfence` a word that the shell knows. */
export function prepare() {
  symlinkSync(dirname(binary), join(scratch, 'bin'));
}
