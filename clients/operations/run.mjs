// Runs the recipes of operations as they stand in the documents, against the real server, the real nginx and PostgreSQL's own
// tools, and looks whether everybody is let in afterwards.

import { conclude } from '../shared/checks.mjs';
import { backup, moving } from './copies.mjs';
import { twoNodes } from './nodes.mjs';
import { logged, onPostgres, stopAll } from './programs.mjs';

await conclude(
  () => (onPostgres ? 'recipes: backup, moving, two nodes behind nginx' : 'recipes: backup of SQLite'),
  async () => {
    try {
      await backup();
      if (onPostgres) {
        await moving();
        await twoNodes();
      }
    } catch (cause) {
      for (const name of ['server', 'node1', 'node2', 'nginx']) console.error(`--- ${name}\n${logged(name)}`);
      throw cause;
    } finally {
      await stopAll();
    }
  },
);
