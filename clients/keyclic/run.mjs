// Imitates both generations of Keyclic's libraries against the real server, puts a real nginx in front of a toy resource,
// and opens the page of a reset link in a browser.

import { conclude } from '../shared/checks.mjs';
import { provider } from '../shared/provider.mjs';
import { withServer } from '../shared/server.mjs';
import { life, preflight, renewal } from './account.mjs';
import { connect } from './facebook.mjs';
import { pages, version } from './page.mjs';
import { provision } from './provision.mjs';
import { guard } from './proxy.mjs';

async function run() {
  const imitation = await provider();
  const provisioned = { access: '24h', facebook: imitation.port };
  try {
    await withServer(provision(provisioned), async () => {
      await preflight();
      await life();
      await renewal();
      await guard(provisioned);
      await pages();
      await connect(imitation);
    });
  } finally {
    await imitation.stop();
  }
}

await conclude(() => `keyclic, nginx, Chromium with axe-core ${version}`, run);
