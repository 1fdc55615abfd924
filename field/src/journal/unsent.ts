/** How many changes of whom wait on this device, for pages that know no journal. */

const KEY = "ffp.unsent";

function read(): Record<string, number> {
  try {
    const held: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? "{}");
    return typeof held === "object" && held !== null ? (held as Record<string, number>) : {};
  } catch {
    return {}; // storage is switched off: nothing can be waiting in it
  }
}

/** Of one account; what others left on a shared computer is theirs to send. */
export function unsentOf(username: string): number {
  const count = read()[username];
  return typeof count === "number" && count > 0 ? count : 0;
}

export function noteUnsent(username: string, count: number): void {
  if (typeof window === "undefined" || unsentOf(username) === count) return;
  const { [username]: _, ...others } = read();
  try {
    window.localStorage.setItem(KEY, JSON.stringify(count > 0 ? { ...others, [username]: count } : others));
  } catch {
    // the entry screen itself says what is not saved
  }
}
