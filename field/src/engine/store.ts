/** One household's state: bundle, changes not yet acknowledged, and what follows from them. Subscribers are told of every change. */

import { type Change, copy, type Entries } from "./entries";
import { merged } from "./model";
import { type Beside, shownOf } from "./shown";
import type { HouseholdBundle, HouseholdState, PackBundle, SaveReply, ServerFault } from "./types";

export class HouseholdStore {
  private journaled: Entries = new Map();
  /** Changes on their way into the journal, in order. */
  private underWay: Change[] = [];
  private current: HouseholdState | null = null;
  private shownEntries: Entries | null = null;
  private readonly listeners = new Set<() => void>();
  private readonly beside: Beside;

  constructor(
    readonly pack: PackBundle,
    private held: HouseholdBundle,
    me: number,
  ) {
    this.beside = { me, writing: new Set(), sending: null, stored: new Set(), submitFaults: [], merged: [], savedAt: null };
  }

  get bundle(): HouseholdBundle {
    return this.held;
  }

  /** The journal's entries with those on their way into it. */
  get entries(): Entries {
    if (!this.shownEntries) {
      const entries = copy(this.journaled);
      for (const change of this.underWay) change(entries);
      this.shownEntries = entries;
    }
    return this.shownEntries;
  }

  get journaledEntries(): Entries {
    return this.journaled;
  }

  get state(): HouseholdState {
    if (!this.current) {
      const writing = new Set([...this.entries.values()].filter((entry) => this.journaled.get(entry.id) !== entry).map((entry) => entry.id));
      this.current = shownOf(this.pack, this.held, this.entries, { ...this.beside, writing });
    }
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Shows a change while it is being journaled. */
  begin(change: Change): void {
    this.underWay.push(change);
    this.changed();
  }

  /** What the journal holds now; `done` is the change that has arrived in it. */
  journal(entries: Entries, done?: Change): void {
    this.journaled = entries;
    if (done) this.underWay = this.underWay.filter((change) => change !== done);
    this.changed();
  }

  /** The outcome of the save under way is in the journal. */
  settled(entries: Entries): void {
    this.beside.sending = null;
    this.journal(entries);
  }

  /** Takes a reply over; `entries`: the journal without what was stored, where it was this tab's save. */
  acknowledge(reply: SaveReply, sent: { target: string; name: string }[], entries?: Entries): void {
    if (entries) {
      this.beside.sending = null;
      this.journaled = entries;
    }
    this.held = merged(this.pack, this.held, reply);
    this.beside.stored = new Set([...this.beside.stored, ...sent.map((entry) => `${entry.target} ${entry.name}`)]);
    this.beside.merged = reply.merged;
    this.beside.savedAt = reply.saved_at;
    this.changed();
  }

  replaceBundle(bundle: HouseholdBundle): void {
    this.held = bundle;
    this.changed();
  }

  sending(save: string | null): void {
    this.beside.sending = save;
    this.changed();
  }

  submitFaults(faults: readonly ServerFault[]): void {
    this.beside.submitFaults = faults;
    this.changed();
  }

  private changed(): void {
    this.current = null;
    this.shownEntries = null;
    for (const listener of this.listeners) listener();
  }
}
