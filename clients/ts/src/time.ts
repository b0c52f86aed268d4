// Time: the server's clock, when to renew, how long to wait.

/** No wait is longer, so that a clock that jumped is noticed. */
export const NAP = 15_000;
/** The longest time before its end at which a token is renewed. */
const LEAD = 300_000;
const FIRST = 500;
const LONGEST = 30_000;

/** How far the server's clock is ahead of ours: its answer was made somewhere between question and answer. */
export const offset = (serverTime: number, asked: number, answered: number): number =>
  serverTime - (asked + answered) / 2;

/** When a token of this end and life is renewed: the elected tab first, the others if it did not. */
export function renewAt(expiresAt: number, life: number, elected: boolean): number {
  const lead = Math.min(life / 3, LEAD);
  return expiresAt - lead + (elected ? 0 : lead / 3);
}

/** The wait before another attempt: doubled each time, and never the same for all (`chance` in [0, 1)). */
export function backoff(attempt: number, chance = Math.random()): number {
  const most = Math.min(FIRST * 2 ** Math.min(attempt, 16), LONGEST);
  return most / 2 + (most / 2) * chance;
}

/** Notices that the clock of the machine was set, or that the machine slept: says how far the wall clock went ahead of the
 * steady one since the last look. Negative when it was put back. */
export function jumps(wall: number, steady: number): (wall: number, steady: number) => number {
  let ahead = wall - steady;
  return (wall, steady) => {
    const jump = wall - steady - ahead;
    ahead += jump;
    return jump;
  };
}
