/** Where entries lie until the server has acknowledged them: IndexedDB, one database per user; memory where that cannot be used. */

import Dexie, { type Table } from "dexie";
import type { Entries, Entry } from "../engine";

/** Which save is under way, and until when its tab is believed to live. */
export interface Lease {
  save: string;
  tab: string;
  until: number;
}

export interface Shelf {
  readonly durable: boolean;
  /** Reads, changes and writes the entries of a household as one transaction; returns what stands afterwards. */
  change<T>(household: string, work: (entries: Entries, leases: Map<string, Lease>) => T): Promise<{ result: T; entries: Entries }>;
  countElsewhere(household: string): Promise<number>;
  everything(): Promise<StoredEntry[]>;
  close(): void;
}

export type StoredEntry = Entry & { household: string };
type StoredLease = Lease & { household: string };

/** Applies `work` to copies and tells what differs. Entries are replaced, never changed in place. */
function apply<T>(
  entries: Entries,
  leases: Map<string, Lease>,
  work: (entries: Entries, leases: Map<string, Lease>) => T,
): { result: T; entries: Entries; leases: Map<string, Lease> } {
  const [nextEntries, nextLeases] = [new Map(entries), new Map(leases)];
  const result = work(nextEntries, nextLeases);
  return { result, entries: nextEntries, leases: nextLeases };
}

export class MemoryShelf implements Shelf {
  readonly durable = false;
  private readonly households = new Map<string, { entries: Entries; leases: Map<string, Lease> }>();

  async change<T>(household: string, work: (entries: Entries, leases: Map<string, Lease>) => T): Promise<{ result: T; entries: Entries }> {
    const held = this.households.get(household) ?? { entries: new Map(), leases: new Map() };
    const done = apply(held.entries, held.leases, work);
    this.households.set(household, done);
    return { result: done.result, entries: done.entries };
  }

  async countElsewhere(household: string): Promise<number> {
    return [...this.households].reduce((sum, [id, held]) => (id === household ? sum : sum + held.entries.size), 0);
  }

  async everything(): Promise<StoredEntry[]> {
    return [...this.households].flatMap(([household, held]) => [...held.entries.values()].map((entry) => ({ ...entry, household })));
  }

  close(): void {
    // nothing is open
  }
}

class Database extends Dexie {
  entries!: Table<StoredEntry, string>;
  leases!: Table<StoredLease, string>;

  constructor(name: string) {
    super(name);
    this.version(1).stores({ entries: "id, household", leases: "save, household" });
  }
}

export class DexieShelf implements Shelf {
  readonly durable = true;

  private constructor(private readonly database: Database) {}

  /** Rejects where the browser has no storage for us (private window, blocked, broken, full). */
  static async open(userId: number): Promise<DexieShelf> {
    const database = new Database(`ffp-journal-${userId}`);
    await database.open();
    return new DexieShelf(database);
  }

  async change<T>(household: string, work: (entries: Entries, leases: Map<string, Lease>) => T): Promise<{ result: T; entries: Entries }> {
    const { database } = this;
    return database.transaction("rw", database.entries, database.leases, async () => {
      const entries: Entries = new Map();
      for (const { household: _, ...entry } of await database.entries.where({ household }).toArray()) entries.set(entry.id, entry);
      const leases = new Map<string, Lease>();
      for (const { household: _, ...lease } of await database.leases.where({ household }).toArray()) leases.set(lease.save, lease);
      const done = apply(entries, leases, work);
      const put = [...done.entries.values()].filter((entry) => entries.get(entry.id) !== entry);
      const gone = [...entries.keys()].filter((id) => !done.entries.has(id));
      if (put.length) await database.entries.bulkPut(put.map((entry) => ({ ...entry, household })));
      if (gone.length) await database.entries.bulkDelete(gone);
      const putLeases = [...done.leases.values()].filter((lease) => leases.get(lease.save) !== lease);
      const goneLeases = [...leases.keys()].filter((save) => !done.leases.has(save));
      if (putLeases.length) await database.leases.bulkPut(putLeases.map((lease) => ({ ...lease, household })));
      if (goneLeases.length) await database.leases.bulkDelete(goneLeases);
      return { result: done.result, entries: done.entries };
    });
  }

  async countElsewhere(household: string): Promise<number> {
    return this.database.entries.where("household").notEqual(household).count();
  }

  async everything(): Promise<StoredEntry[]> {
    return this.database.entries.toArray();
  }

  close(): void {
    this.database.close();
  }
}

export async function openShelf(userId: number): Promise<Shelf> {
  try {
    return await DexieShelf.open(userId);
  } catch {
    return new MemoryShelf();
  }
}
