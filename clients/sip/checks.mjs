// Checks, counted.

let passed = 0;

/** How many checks have passed. */
export const count = () => passed;

/** One check: a sentence, and what must hold. */
export async function check(sentence, body) {
  try {
    await body();
  } catch (cause) {
    throw new Error(`${sentence}: ${cause.message}`, { cause });
  }
  passed += 1;
}
