/** What was done here and is not acknowledged: the journal's rows, and the pure changes made to them. */

import { HOUSEHOLD, type Op, type Target } from "./types";

/**
 * One change. `draft`: being typed (`op` is null while `text` is no value); `waiting`: to be sent; `sending`: belongs to the save
 * `save`, whose outcome is not known; `refused`: the server said no. `base`: record version of the target seen when it was done.
 */
export interface Entry {
  id: string;
  n: number;
  target: Target;
  name: string;
  op: Op | null;
  text: string | null;
  state: "draft" | "waiting" | "sending" | "refused";
  save: string | null;
  base: number;
  fault: string | null;
  at: string;
}

/** Entries of one household by id. A change is applied to the journal's rows and, until that is done, to what is shown. */
export type Entries = Map<string, Entry>;
export type Change = (entries: Entries) => void;

export function ordered(entries: Entries): Entry[] {
  return [...entries.values()].sort((a, b) => a.n - b.n);
}

function next(entries: Entries): number {
  return Math.max(0, ...[...entries.values()].map((entry) => entry.n)) + 1;
}

/** The key an op is found again by: one waiting entry per item, section tick, visit, member and act. */
export function keyOf(op: Op): { target: Target; name: string } {
  switch (op.op) {
    case "set":
      return { target: op.target, name: op.name };
    case "tick":
    case "untick":
      return { target: op.target, name: `section:${op.section}` };
    case "visit":
      return { target: HOUSEHOLD, name: "visit" };
    case "arrive":
      return { target: op.person_id, name: "arrive" };
    case "leave":
    case "stay":
      return { target: op.person_id, name: "member" };
    case "head":
      return { target: HOUSEHOLD, name: "head" };
    default:
      return { target: HOUSEHOLD, name: op.op };
  }
}

const UNSENT: readonly Entry["state"][] = ["draft", "waiting", "refused"];

export interface Made {
  id: string;
  base: number;
  at: string;
}

/** Takes back entries of a key that were not sent; returns the oldest version they were done upon. */
function takeBack(entries: Entries, target: Target, name: string, base: number, states: readonly Entry["state"][] = UNSENT): number {
  let oldest = base;
  for (const entry of entries.values()) {
    if (entry.target !== target || entry.name !== name || !states.includes(entry.state)) continue;
    entries.delete(entry.id);
    // What others changed meanwhile was hidden behind the entry: it still counts as not seen.
    oldest = Math.min(oldest, entry.base);
  }
  return oldest;
}

/** A keystroke. A change of the same item that waits already keeps waiting: Escape brings it back. */
export function draft(target: Target, name: string, text: string, op: Op | null, made: Made): Change {
  return (entries) => {
    const base = takeBack(entries, target, name, made.base, ["draft"]);
    entries.set(made.id, { ...made, base, n: next(entries), target, name, op, text, state: "draft", save: null, fault: null });
  };
}

/** Says why what is being typed cannot be sent. */
export function fail(target: Target, name: string, message: string): Change {
  return (entries) => {
    for (const entry of entries.values()) {
      if (entry.target === target && entry.name === name && entry.state === "draft") entries.set(entry.id, { ...entry, fault: message });
    }
  };
}

/** Several changes as one. */
export function together(changes: readonly Change[]): Change {
  return (entries) => changes.forEach((change) => change(entries));
}

/** A change to be sent; it takes the place of an unsent one of the same key. */
export function perform(op: Op, made: Made): Change {
  return (entries) => {
    const { target, name } = keyOf(op);
    const base = takeBack(entries, target, name, made.base);
    entries.set(made.id, { ...made, base, n: next(entries), target, name, op, text: null, state: "waiting", save: null, fault: null });
  };
}

/** A member's arrival put right: it keeps its place before what was typed for the member, which is sent again with it. */
export function mendArrival(op: Extract<Op, { op: "arrive" }>, made: Made): Change {
  return (entries) => {
    const old = [...entries.values()].find((entry) => entry.target === op.person_id && entry.name === "arrive");
    if (!old || old.state === "sending") return;
    entries.set(old.id, { ...old, op, state: "waiting", fault: null, at: made.at });
    for (const entry of entries.values()) {
      if (entry.target === op.person_id && entry.state === "refused") entries.set(entry.id, { ...entry, state: "waiting", fault: null });
    }
  };
}

/** Gives up what is unsent of a key. */
export function withdraw(target: Target, name: string): Change {
  return (entries) => {
    takeBack(entries, target, name, 0);
  };
}

/** Gives up what is being typed, or else what was refused. */
export function undo(target: Target, name: string): Change {
  return (entries) => {
    const before = entries.size;
    takeBack(entries, target, name, 0, ["draft"]);
    if (entries.size === before) takeBack(entries, target, name, 0, ["refused"]);
  };
}

/** Gives up a member added here and everything typed for them, as long as nothing of it is under way. */
export function withdrawPerson(target: Target): Change {
  return (entries) => {
    const own = [...entries.values()].filter((entry) => entry.target === target);
    if (own.some((entry) => entry.state === "sending")) return;
    own.forEach((entry) => entries.delete(entry.id));
  };
}

export function copy(entries: Entries): Entries {
  return new Map(entries);
}
