// parse-server as its documents set it up: PostgreSQL, anonymous users by its own adapter, sessions shown by their token.

import { ParseServer } from 'parse-server';

const port = Number(process.env.PORT);
const { server } = await ParseServer.startApp({
  databaseURI: process.env.DATABASE,
  appId: 'bench',
  masterKey: 'a secret of the bench, long enough for it',
  serverURL: `http://127.0.0.1:${port}/parse`,
  host: '127.0.0.1',
  port,
  logLevel: 'error',
  logsFolder: null,
  allowClientClassCreation: false,
});
if (!server) throw new Error('it does not listen');
