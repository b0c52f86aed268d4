// Makes what is published (dist/) and what the tests run (dist-test/).

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';

import { build } from 'esbuild';

const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning' };

for (const folder of ['dist', 'dist-test']) rmSync(folder, { recursive: true, force: true });
await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', minify: true, sourcemap: 'linked' });
await build({
  ...common,
  entryPoints: readdirSync('test').map((name) => `test/${name}`),
  outdir: 'dist-test',
  platform: 'node',
  packages: 'external',
});
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.types.json'], { stdio: 'inherit' });
