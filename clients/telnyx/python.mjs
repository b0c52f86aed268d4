// The client of PyPI, in an environment of its own beside this file.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { keys } from './provision.mjs';

const run = promisify(execFile);
const folder = import.meta.dirname;
const venv = join(folder, '.venv');
const python = join(venv, 'bin', 'python');

/** Installs exactly what the requirements say; what is there already stays. */
async function install() {
  if (!existsSync(python)) await run('python3', ['-m', 'venv', venv]);
  const wanted = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  await run(python, [...wanted, '-r', join(folder, 'requirements.txt')]);
}

/** Drives all of REST and returns the client's version and how many checks have passed. */
export async function everything(baseURL) {
  await install();
  // The client starts an OAuth exchange with its vendor when it finds these.
  const { TELNYX_CLIENT_ID, TELNYX_CLIENT_SECRET, ...environment } = process.env;
  const env = { ...environment, TELNYX_API_KEY: keys.all, TELNYX_BASE_URL: baseURL, PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout } = await run(python, [join(folder, 'rest.py')], { env, timeout: 120_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
