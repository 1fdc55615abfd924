/** What bench/typescript.py measures in a browser: the rules of one household, and everything that follows from one key. */

import { HouseholdStore, modelOf, type HouseholdBundle, type PackBundle } from "../src/engine";
import { findingsOf } from "../src/engine/findings";
import { scopesOf } from "../src/engine/scopes";

/** The bundle with as many live members as asked: further ones are copies under other ids. */
function withMembers(bundle: HouseholdBundle, count: number): HouseholdBundle {
  const live = bundle.persons.filter((person) => person.live);
  const more = Array.from({ length: Math.max(0, count - live.length) }, (_none, place) => ({ ...live[place % live.length]!, id: `copy-${place}` }));
  return { ...bundle, persons: [...live.slice(0, count), ...more] };
}

export function measure(pack: PackBundle, given: HouseholdBundle, members: number, rounds: number): { rules: number[]; whole: number[]; hits: number; judged: number } {
  const bundle = withMembers(given, members);
  const rules: number[] = [];
  const whole: number[] = [];
  let hits = 0;
  for (let round = 0; round < rounds; round += 1) {
    const model = modelOf(pack, bundle, [], 1);
    const begun = performance.now();
    const scopes = scopesOf(pack, bundle, model);
    hits = findingsOf(pack, model, scopes, true).length;
    rules.push(performance.now() - begun);
    const start = performance.now();
    void new HouseholdStore(pack, bundle, 1).state;
    whole.push(performance.now() - start);
  }
  return { rules, whole, hits, judged: pack.rules.length };
}

(globalThis as unknown as { measure: typeof measure }).measure = measure;
