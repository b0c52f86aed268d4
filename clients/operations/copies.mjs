// Backup and restore, and moving to PostgreSQL.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { check } from '../shared/checks.mjs';
import { everybody, guest, provision } from './people.mjs';
import { anotherDatabase, database, environment, onPostgres, scratch, serve, stop } from './programs.mjs';
import { commands } from './recipes.mjs';

const listen = process.env.RINGFENCE_LISTEN;
const admin = process.env.RINGFENCE_ADMIN_LISTEN;
const base = `http://${listen}`;

const on = (url) =>
  serve('server', ['--database', url, 'serve', '--listen', listen, '--admin-listen', admin, '--apply', provision], admin);

/** A copy is taken beside a running server and restored elsewhere. */
export async function backup() {
  await on(database);
  const before = await guest(base);
  const restored = onPostgres ? await anotherDatabase('restored') : `sqlite:${join(scratch, 'restored.db')}`;
  environment.RINGFENCE__DATABASE__URL = database;
  assert.ok(await commands('backup', { DATABASE: database, RESTORED: restored }) > 1);
  delete environment.RINGFENCE__DATABASE__URL;
  await stop('server');
  await check('everybody is let in where the copy was restored', async () => {
    await on(restored);
    await everybody(base, before);
  });
  await stop('server');
}

/** A file of SQLite becomes a database of PostgreSQL. */
export async function moving() {
  const file = `sqlite:${join(scratch, 'ringfence.db')}`;
  await on(file);
  const before = await guest(base);
  await stop('server');
  const target = await anotherDatabase('moved');
  environment.RINGFENCE__DATABASE__URL = file;
  assert.ok(await commands('moving', { TARGET: target }) > 1);
  delete environment.RINGFENCE__DATABASE__URL;
  rmSync(join(scratch, 'ringfence.db'));
  await check('everybody is let in on the other side', async () => {
    await on(target);
    await everybody(base, before);
  });
  await stop('server');
}
