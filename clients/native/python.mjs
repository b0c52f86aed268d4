// Programs of PyPI, in an environment of their own beside this file.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folder = import.meta.dirname;
const venv = join(folder, '.venv');
const program = (name) => join(venv, 'bin', name);

/** Installs exactly what the requirements say; what is there already stays. */
export async function install() {
  if (!existsSync(program('python'))) await run('python3', ['-m', 'venv', venv]);
  const wanted = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  await run(program('python'), [...wanted, '-r', join(folder, 'requirements.txt')]);
}

/** Verifies a token with PyJWT and returns its claims and the version of PyJWT. */
export async function verify(token, keys, issuer, audience) {
  const { stdout } = await run(program('python'), [join(folder, 'verify.py'), token, keys, issuer, audience], { timeout: 30_000 });
  return JSON.parse(stdout);
}

/** Operations by which a key can end itself: schemathesis finds its id in the lists. */
const fatal = ['delete_admin_identities_identity', 'patch_admin_identities_identity', 'delete_admin_api_keys_key'];

/**
 * Has schemathesis send what it makes of a description, for all operations or for those that may end the key; its own words
 * when something is wrong.
 */
export async function fuzz(description, url, key, cwd, { mayEnd }) {
  const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
  const words = [
    ...['run', description, '--url', url, '--header', `Authorization: Bearer ${key}`, '--checks', checks],
    // Without a relay it is answered 501, which is described and yet 5xx; clients/sip asks it with a real relay.
    ...['--exclude-path', '/api/v1/turn'],
    // An answer without an end, which tests read otherwise.
    ...['--exclude-path', '/api/v1/events'],
    ...fatal.flatMap((id) => [mayEnd ? '--include-operation-id' : '--exclude-operation-id', id]),
    ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '12', '--seed', '7', '--generation-database', 'none'],
    ...['--suppress-health-check', 'all', '--request-timeout', '15', '--no-color', '--continue-on-failure', '--warnings', 'off'],
  ];
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  try {
    const { stdout } = await run(program('st'), words, { cwd, env, timeout: 150_000, maxBuffer: 64 << 20 });
    return stdout;
  } catch (failure) {
    throw new Error(`schemathesis: ${(failure.stdout || failure.message).slice(-6000)}`);
  }
}
