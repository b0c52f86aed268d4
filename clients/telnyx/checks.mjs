// Checks, counted.

let passed = 0;

/** How many checks have passed. */
export const count = () => passed;

/** Adds checks that somebody else made. */
export const counted = (more) => {
  passed += more;
};

/** One check: a sentence, and what must hold. */
export async function check(sentence, body) {
  try {
    await body();
  } catch (cause) {
    throw new Error(`${sentence}: ${cause.message}`, { cause });
  }
  passed += 1;
}

/** The claims of a token as the browser SDK reads them: with `atob`, which does not know base64url. */
export const claimsOf = (token) => JSON.parse(atob(token.split('.')[1]));

/** Everything that a list of the client gives, page by page. */
export async function all(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}
