// better-auth as its documents set it up: SQLite, guests by its plugin, sessions shown as bearer tokens, JWT for
// other services by its plugin.

import { createServer } from 'node:http';

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { anonymous, bearer, jwt } from 'better-auth/plugins';
import Database from 'better-sqlite3';

const database = new Database(process.env.DATABASE);
database.pragma('journal_mode = WAL');

const options = {
  database,
  baseURL: `http://127.0.0.1:${process.env.PORT}`,
  secret: 'a secret of the bench, long enough for it',
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  // The load generator is no browser: it sends no origin.
  advanced: { disableCSRFCheck: true, disableOriginCheck: true },
  plugins: [anonymous(), bearer(), jwt()],
};

const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(Number(process.env.PORT), '127.0.0.1');
