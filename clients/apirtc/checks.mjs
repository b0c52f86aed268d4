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

/** Waits until `look` gives something true, and returns it with how long that took; `what` is said when it never comes. */
export async function until(what, look, patience = 10_000) {
  const since = performance.now();
  for (;;) {
    const found = await look();
    const took = performance.now() - since;
    if (found) return { found, took };
    if (took > patience) throw new Error(`${what}: not within ${patience / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
