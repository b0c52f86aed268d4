// Makes what is published (dist/) and what the tests run (dist-test/).

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';

import { build } from 'esbuild';

const common = { bundle: true, format: 'esm', target: 'node20', platform: 'node', packages: 'external', logLevel: 'warning' };

for (const folder of ['dist', 'dist-test']) rmSync(folder, { recursive: true, force: true });
await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', sourcemap: 'linked' });
const tests = readdirSync('test').filter((name) => /^(?:.*\.test|vectors)\.ts$/.test(name));
await build({ ...common, entryPoints: tests.map((name) => `test/${name}`), outdir: 'dist-test' });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.types.json'], { stdio: 'inherit' });
