/**
 * Which entries go into which save. Pure, run inside the shelf's transaction: an entry belongs to at most one save, and a save keeps
 * its client id until its outcome is known, so that a retry by any tab, also after a crash, is the same save for the server.
 */

import { type Entries, type Entry, ordered } from "../engine/entries";
import type { Op, ServerFault, Target } from "../engine";
import { say } from "../words";
import type { Lease } from "./shelf";

const MOST = 500;
/** Saves waiting time and traffic only: two tabs that send the same save are one save for the server. */
const LEASE_MS = 5_000;

export interface Batch {
  save: string;
  entries: Entry[];
  ops: Op[];
  base: Record<Target, number>;
}
export type Claim = { kind: "batch"; batch: Batch } | { kind: "nothing" } | { kind: "busy"; until: number };

/** The save to send now: one whose outcome is unknown, else a new one of what is waiting. */
export function claim(entries: Entries, leases: Map<string, Lease>, tab: string, now: number, newSave: string, leaseMs = LEASE_MS): Claim {
  const unknown = ordered(entries).find((entry) => entry.state === "sending");
  if (unknown?.save) {
    const lease = leases.get(unknown.save);
    if (lease && lease.tab !== tab && lease.until > now) return { kind: "busy", until: lease.until };
    leases.set(unknown.save, { save: unknown.save, tab, until: now + leaseMs });
    return { kind: "batch", batch: batchOf(entries, unknown.save) };
  }
  const chosen: Entry[] = [];
  const base: Record<Target, number> = {};
  for (const entry of ordered(entries)) {
    if (entry.state !== "waiting" || !entry.op) continue;
    const alone = entry.op.op === "submit";
    if (alone && chosen.length) break;
    const known = base[entry.target];
    if (chosen.length >= MOST || (known !== undefined && known !== entry.base)) break;
    base[entry.target] = entry.base;
    chosen.push(entry);
    if (alone) break;
  }
  if (!chosen.length) return { kind: "nothing" };
  for (const entry of chosen) entries.set(entry.id, { ...entry, state: "sending", save: newSave });
  leases.set(newSave, { save: newSave, tab, until: now + leaseMs });
  return { kind: "batch", batch: batchOf(entries, newSave) };
}

function batchOf(entries: Entries, save: string): Batch {
  const own = ordered(entries).filter((entry) => entry.save === save && entry.op);
  const base: Record<Target, number> = {};
  // The acts of members are no values of a version.
  for (const entry of own) if (entry.op && "target" in entry.op) base[entry.target] = entry.base;
  return { save, entries: own, ops: own.map((entry) => entry.op as Op), base };
}

/** The outcome stays unknown: anybody may try again. */
export function release(leases: Map<string, Lease>, save: string): void {
  leases.delete(save);
}

/** Stored by the server. Returns what was sent, for marks; empty where another tab has told already. */
export function acknowledge(entries: Entries, leases: Map<string, Lease>, save: string): { target: Target; name: string }[] {
  const sent = [...entries.values()].filter((entry) => entry.save === save);
  for (const entry of sent) entries.delete(entry.id);
  leases.delete(save);
  return sent.map(({ target, name }) => ({ target, name }));
}

/** The server stored nothing and is known to have said so: the entries wait for another save. */
export function takeApart(entries: Entries, leases: Map<string, Lease>, save: string): void {
  for (const entry of entries.values()) {
    if (entry.save === save) entries.set(entry.id, { ...entry, state: "waiting", save: null });
  }
  leases.delete(save);
}

/** Nothing was stored: the faulty entries are set aside, the others wait for another save. Returns faults of a submission. */
export function refuse(entries: Entries, leases: Map<string, Lease>, save: string, faults: readonly ServerFault[]): ServerFault[] {
  leases.delete(save);
  const own = [...entries.values()].filter((entry) => entry.save === save);
  if (own.some((entry) => entry.op?.op === "submit")) {
    own.forEach((entry) => entries.delete(entry.id));
    return [...faults];
  }
  const found = new Map<string, string>();
  for (const fault of faults) {
    for (const entry of own) if (meets(entry, fault) && !found.has(entry.id)) found.set(entry.id, fault.message);
  }
  // A fault nobody can place must not be sent again for ever.
  const all = found.size === 0 ? (faults[0]?.message ?? say.session.refused) : null;
  const arrivals = own.filter((entry) => entry.op?.op === "arrive" && found.has(entry.id)).map((entry) => entry.target);
  for (const entry of own) {
    const message = found.get(entry.id) ?? (arrivals.includes(entry.target) ? say.session.arrivalFirst : null) ?? all;
    entries.set(entry.id, { ...entry, save: null, state: message ? "refused" : "waiting", fault: message });
  }
  // What is not right must not be submitted.
  for (const entry of entries.values()) if (entry.op?.op === "submit" && entry.state === "waiting") entries.delete(entry.id);
  return [];
}

function meets(entry: Entry, fault: ServerFault): boolean {
  const { op } = entry;
  if (!op) return false;
  if (op.op === "set" || op.op === "tick" || op.op === "untick") {
    if (op.target !== fault.target) return false;
    return fault.name === "" || fault.name === (op.op === "set" ? op.name : op.section);
  }
  if (op.op === "visit") return fault.target === "household" && (fault.name.startsWith("visited_") || fault.name === "");
  if (op.op === "arrive") return fault.target === op.person_id && (fault.name === "arrive" || fault.name === "");
  if (op.op === "leave" || op.op === "stay" || op.op === "head") return fault.target === op.person_id && (fault.name === op.op || fault.name === "");
  return fault.name === op.op;
}
