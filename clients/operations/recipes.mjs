// The recipes of the documents, read and run as they stand there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { check } from '../shared/checks.mjs';
import { environment, onPostgres, run } from './programs.mjs';

const recipe = (name) => readFileSync(new URL(`../../docs/recipes/${name}.md`, import.meta.url), 'utf8');

/** A block of another language, with our addresses in the place of the document's; each must be there. */
export function block(name, language, replaced) {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(recipe(name)) ?? [];
  assert.ok(text, `docs/recipes/${name}.md has a block of ${language}`);
  return Object.entries(replaced).reduce((written, [theirs, ours]) => {
    assert.ok(written.includes(theirs), `docs/recipes/${name}.md says ${theirs}`);
    return written.replaceAll(theirs, ours);
  }, text);
}

/** Runs the shell blocks of a recipe that are for this engine, each as a check; returns how many. */
export async function commands(name, variables) {
  const blocks = [...recipe(name).matchAll(/^```sh (sqlite|postgresql)\n([^]*?)^```$/gm)];
  const ours = blocks.filter(([, engine]) => (engine === 'postgresql') === onPostgres);
  for (const [, , text] of ours) {
    await check(`docs/recipes/${name}.md: ${text.trim().split('\n')[0]}`, () =>
      run('sh', ['-euc', text], { ...environment, ...variables }));
  }
  return ours.length;
}
