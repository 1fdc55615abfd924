/** Engine, journal and connection of one household put together. */

import {
  carries,
  checkValue,
  type Change,
  type Conflict,
  draft,
  editable,
  type Entries,
  fail,
  HOUSEHOLD,
  HouseholdStore,
  impossible,
  type HouseholdState,
  indicatorOf,
  type Indicator,
  isAsked,
  itemsOf,
  type ListItem,
  type Made,
  mendArrival,
  type Op,
  type PackBundle,
  parseDate,
  parseText,
  perform,
  sameValue,
  type SaveReply,
  search,
  type Target,
  together,
  undo,
  type Value,
  versionsOf,
  withdraw,
  withdrawPerson,
} from "../engine";
import { named, say } from "../words";
import type { Session, Status } from "./index";
import { acknowledge, claim, refuse, release, takeApart } from "./saves";
import { type Lease, MemoryShelf, openShelf, type Shelf } from "./shelf";
import { type Fetch, Transport } from "./transport";
import { noteUnsent } from "./unsent";

export interface SessionOptions {
  userId: number;
  username: string;
  householdId: string;
  /** Defaults to the browser's; tests give their own. */
  fetch?: Fetch;
  /** The CSRF token at the moment of sending; defaults to the cookie `csrftoken`. */
  csrf?: () => string;
  /** Where changes lie; defaults to the browser's IndexedDB, or memory where that cannot be used. */
  shelf?: Shelf;
  /** How long another tab waits for a save under way before it tries the same save itself. */
  leaseMs?: number;
  /** Milliseconds before the first, second … further try; the last one repeats. */
  retryDelays?: readonly number[];
}

const RETRY_DELAYS = [1_000, 2_000, 5_000, 10_000, 30_000];

/** Loads pack and bundle, and lays over them what this device has not sent yet. Rejects with `Unreachable` or a network error. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const transport = new Transport(options.fetch ?? globalThis.fetch.bind(globalThis), options.csrf ?? cookieToken);
  const [shelf, said, divisions] = await Promise.all([options.shelf ?? openShelf(options.userId), transport.pack(), transport.places()]);
  const pack: PackBundle = { ...said, lists: { ...said.lists, divisions } };
  const bundle = await transport.household(options.householdId);
  const store = new HouseholdStore(pack, bundle, options.userId);
  const session = new HouseholdSession(store, shelf, transport, options);
  await session.start();
  return session;
}

/** Signing in anywhere in the browser changes the token, so it is read when it is needed. */
function cookieToken(): string {
  const found = /(?:^|;\s*)csrftoken=([^;]+)/.exec(typeof document === "undefined" ? "" : document.cookie);
  return found?.[1] ?? "";
}

/** crypto.randomUUID is missing on plain http and in older browsers. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

interface Told {
  household: string;
  reply?: SaveReply;
  sent?: { target: Target; name: string }[];
}

class HouseholdSession implements Session {
  private readonly tab = uuid();
  private readonly listeners = new Set<() => void>();
  private readonly channel: BroadcastChannel | null;
  private readonly retryDelays: readonly number[];
  private writes: Promise<void> = Promise.resolve();
  private running: Promise<void> | null = null;
  private again = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private tries = 0;
  private closed = false;
  private elsewhere = 0;
  private line: Pick<Status, "phase" | "message" | "retryAt"> = { phase: "idle", message: "", retryAt: null };
  private shownStatus: Status | null = null;
  private readonly onOnline = (): void => void this.flush();

  constructor(
    private readonly store: HouseholdStore,
    private shelf: Shelf,
    private readonly transport: Transport,
    private readonly settings: SessionOptions,
  ) {
    this.retryDelays = settings.retryDelays ?? RETRY_DELAYS;
    store.subscribe(() => this.tell());
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`ffp-journal-${settings.userId}`);
    if (this.channel) this.channel.onmessage = (event: MessageEvent<Told>) => this.hear(event.data);
  }

  async start(): Promise<void> {
    await this.reload();
    askToPersist();
    globalThis.addEventListener?.("online", this.onOnline);
    void this.flush();
  }

  get pack(): PackBundle {
    return this.store.pack;
  }

  get state(): HouseholdState {
    return this.store.state;
  }

  get status(): Status {
    this.shownStatus ??= {
      ...this.line,
      unsent: this.store.entries.size,
      unsentElsewhere: this.elsewhere,
      savedAt: this.store.state.savedAt,
      durable: this.shelf.durable,
    };
    return this.shownStatus;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // ---------------------------------------------------------------- what a person does

  type(target: Target, name: string, text: string): void {
    const indicator = this.typed(target, name);
    if (!indicator) return;
    const parsed = parseText(this.pack, indicator, text);
    const op: Op | null = "value" in parsed ? { op: "set", target, name, value: parsed.value } : null;
    this.write(draft(target, name, text, op, this.made(target)));
  }

  commit(target: Target, name: string): string | null {
    const entry = [...this.store.entries.values()].find((found) => found.target === target && found.name === name && found.state === "draft");
    const indicator = this.typed(target, name);
    if (!entry || !indicator) return entry ? null : this.faultOf(target, name);
    const parsed = parseText(this.pack, indicator, entry.text ?? "");
    if ("fault" in parsed) {
      this.write(fail(target, name, parsed.fault));
      return parsed.fault;
    }
    const fault = this.set(target, name, parsed.value);
    if (fault !== null) this.write(fail(target, name, fault));
    return fault;
  }

  set(target: Target, name: string, value: Value): string | null {
    const indicator = this.typed(target, name);
    if (!indicator) return say.session.notHere;
    const fault = checkValue(this.pack, indicator, value) ?? (name === "id_number" ? impossible(value, this.field(target, "id_type")?.value) : null);
    if (fault) return fault;
    if (sameValue(this.onTheWay(target, name), value)) this.write(withdraw(target, name));
    else this.perform({ op: "set", target, name, value });
    return null;
  }

  revert(target: Target, name: string): void {
    this.write(undo(target, name));
  }

  confirm(target: Target, name: string): void {
    const field = this.field(target, name);
    if (field?.carried && field.last !== undefined) this.set(target, name, field.last);
  }

  tick(target: Target, section: string): void {
    const shown = this.section(target, section);
    if (shown?.tickable && !shown.ticked) this.perform({ op: "tick", target, section });
  }

  untick(target: Target, section: string): void {
    const shown = this.section(target, section);
    if (!shown?.ticked || !this.state.may.edit) return;
    const known = target === HOUSEHOLD ? this.store.bundle.record : this.store.bundle.persons.find((person) => person.id === target)?.record;
    const name = `section:${section}`;
    const underWay = [...this.store.entries.values()].some((entry) => entry.target === target && entry.name === name && entry.state === "sending");
    // A tick that never left this device is simply taken back.
    if (!known?.ticks[section] && !underWay) this.write(withdraw(target, name));
    else this.perform({ op: "untick", target, section });
  }

  toggle(target: Target, section: string): void {
    if (this.section(target, section)?.ticked) this.untick(target, section);
    else this.tick(target, section);
  }

  emptyRest(target: Target, section: string): void {
    const open = this.section(target, section)?.fields.filter((field) => isAsked(field) && field.editable && field.value === undefined && !field.carried) ?? [];
    if (!open.length) return;
    this.write(together(open.map((field) => perform({ op: "set", target, name: field.name, value: null }, this.made(target)))));
    void this.flush();
  }

  visit(visitedBy: string[], visitedOn: string | null): string | null {
    if (!this.state.may.edit) return say.session.closed;
    const names = visitedBy.map((name) => name.trim()).filter((name) => name).slice(0, 4);
    const day = visitedOn?.trim() ? parseDate(visitedOn) : { value: null };
    if (!("value" in day)) return say.session.visitDay;
    this.perform({ op: "visit", visited_by: names, visited_on: day.value as string | null });
    return null;
  }

  arrive(reason: string, date: string, values: Record<string, Value> = {}, personId?: string): { id: string } | { fault: string; name: string } {
    if (!this.state.may.edit) return { fault: say.session.closed, name: "" };
    const day = this.memberDay(reason, date, "increase");
    if ("fault" in day) return day;
    const id = personId ?? uuid();
    const op: Op = { op: "arrive", person_id: id, reason, date: day.date, values: {} };
    const given = Object.entries(values).map(([name, value]) => perform({ op: "set", target: id, name, value }, this.made(id)));
    for (const [name, value] of Object.entries(values)) {
      const indicator = indicatorOf(this.pack, "person_year", name);
      const wrong = indicator ? checkValue(this.pack, indicator, value) : say.session.noItem(name);
      const fault = wrong ?? (name === "id_number" ? impossible(value, values["id_type"]) : null);
      if (fault) return { fault, name };
    }
    this.write(together([personId ? mendArrival(op, this.made(id)) : perform(op, this.made(id)), ...given]));
    void this.flush();
    return { id };
  }

  withdraw(personId: string): void {
    if (this.state.forms.some((form) => form.target === personId && form.person?.arriving)) this.write(withdrawPerson(personId));
  }

  leave(personId: string, reason: string, date: string): string | null {
    if (!this.state.may.edit) return say.session.closed;
    const day = this.memberDay(reason, date, "decrease");
    if ("fault" in day) return day.fault;
    this.perform({ op: "leave", person_id: personId, reason, date: day.date });
    return null;
  }

  stay(personId: string): void {
    if (this.state.may.edit) this.perform({ op: "stay", person_id: personId });
  }

  head(personId: string): string | null {
    const person = this.state.forms.find((form) => form.target === personId)?.person;
    if (!this.state.may.edit) return say.session.closed;
    if (!person?.live) return say.session.headMustBeLive;
    if (!person.head) this.perform({ op: "head", person_id: personId });
    return null;
  }

  check(): void {
    if (this.state.may.check) this.perform({ op: "check" });
  }

  submit(): string | null {
    const { state } = this;
    if (!state.may.submit) return state.locked ?? say.session.maySubmitNot;
    const open = [...this.store.entries.values()].find((entry) => entry.state === "draft" || entry.state === "refused");
    if (open) {
      const item = this.indicator(open.target, open.name);
      return say.session.unfinished(item ? named(item) : "", open.fault);
    }
    if (state.conflicts.length) return say.session.decideFirst;
    if (!state.visit.visited_by.length) return say.session.whoVisited;
    if (!state.visit.visited_on) return say.session.whenVisited;
    const wrong = state.findings.find((finding) => finding.kind === "constraint" && finding.severity === "error");
    if (wrong) return wrong.message;
    this.store.submitFaults([]);
    this.perform({ op: "submit" });
    return null;
  }

  async resolve(conflict: Conflict, choice: "mine" | "theirs" | "other", value: Value = null): Promise<string | null> {
    const answer = await this.transport.resolve(conflict.id, choice, value);
    if ("fault" in answer) return answer.fault;
    this.store.replaceBundle(answer.bundle);
    return null;
  }

  // ---------------------------------------------------------------- lists

  options(target: Target, name: string, typed: string): ListItem[] {
    const indicator = this.indicator(target, name);
    return indicator ? search(itemsOf(this.pack, indicator), typed) : [];
  }

  reasons(kind: "increase" | "decrease"): ListItem[] {
    const codes = new Set(this.pack.change_reasons?.[kind] ?? []);
    return (this.pack.lists["member_change"] ?? []).filter((item) => codes.has(item.code));
  }

  // ---------------------------------------------------------------- connection

  async reauthenticate(password: string): Promise<string | null> {
    const answer = await this.transport.reauthenticate(this.settings.username, password);
    if ("fault" in answer) return answer.fault;
    if (answer.user !== null && answer.user !== this.settings.userId) return say.password.notTheSame;
    this.line = { phase: "waiting", message: "", retryAt: null };
    this.tell();
    await this.flush();
    return null;
  }

  async flush(): Promise<void> {
    this.again = true; // a run under way looks once more: what is asked for now may be written after it looked
    this.running ??= this.send().finally(() => {
      this.running = null;
      // Asked for after the run had looked for the last time and before it was over.
      if (this.again && this.line.phase === "idle") void this.flush();
    });
    return this.running;
  }

  async exportUnsent(): Promise<string> {
    await this.writes;
    const entries = await this.shelf.everything();
    return JSON.stringify(
      { user: this.settings.userId, username: this.settings.username, exported_at: new Date().toISOString(), entries },
      null,
      2,
    );
  }

  close(): void {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    globalThis.removeEventListener?.("online", this.onOnline);
    this.channel?.close();
    // What was typed last still gets into the journal.
    void this.writes.then(() => this.shelf.close());
  }

  // ---------------------------------------------------------------- inside

  private perform(op: Op): void {
    const target = "target" in op ? op.target : HOUSEHOLD;
    this.write(perform(op, this.made(target)));
    void this.flush();
  }

  private made(target: Target): Made {
    return { id: uuid(), base: versionsOf(this.store.bundle)[target] ?? 0, at: new Date().toISOString() };
  }

  /** Shows a change at once as being written, and as waiting when the journal has it. */
  private write(change: Change): void {
    this.store.begin(change);
    this.writes = this.writes.then(async () => {
      try {
        const { entries } = await this.shelf.change(this.settings.householdId, change);
        this.store.journal(entries, change);
      } catch {
        await this.fallBack();
        const { entries } = await this.shelf.change(this.settings.householdId, change);
        this.store.journal(entries, change);
      }
      if (!this.closed) this.channel?.postMessage({ household: this.settings.householdId } satisfies Told);
    });
  }

  /** The browser's storage failed us (full, cleared): what is known goes on in memory, and the page says so. */
  private async fallBack(): Promise<void> {
    if (!this.shelf.durable) return;
    const memory = new MemoryShelf();
    const known = this.store.journaledEntries;
    await memory.change(this.settings.householdId, (entries) => known.forEach((entry) => entries.set(entry.id, entry)));
    this.shelf = memory;
    this.tell();
  }

  private async reload(): Promise<void> {
    const { entries } = await this.shelf.change(this.settings.householdId, () => null);
    this.elsewhere = await this.shelf.countElsewhere(this.settings.householdId);
    this.store.journal(entries);
  }

  private hear(told: Told): void {
    if (this.closed || told.household !== this.settings.householdId) return;
    if (told.reply) this.store.acknowledge(told.reply, told.sent ?? []);
    this.writes = this.writes.then(async () => {
      if (!this.closed) await this.reload();
    });
    if (!told.reply) return;
    // The other tab's session lives, so this one's does too.
    if (this.line.phase === "password") this.say({ phase: "waiting", message: "", retryAt: null });
    void this.flush();
  }

  private async send(): Promise<void> {
    for (;;) {
      this.again = false;
      await this.writes;
      if (this.closed || this.line.phase === "password") return;
      this.clearTimer();
      const { result, entries } = await this.shelf.change(this.settings.householdId, (held, leases) => claim(held, leases, this.tab, Date.now(), uuid(), this.settings.leaseMs));
      this.store.journal(entries);
      if (result.kind === "nothing") {
        if (this.again) continue;
        this.say({ phase: entries.size ? "waiting" : "idle", message: "", retryAt: null });
        return;
      }
      if (result.kind === "busy") {
        this.retry(result.until, say.session.otherWindow);
        return;
      }
      const { batch } = result;
      this.store.sending(batch.save);
      this.say({ phase: "sending", message: "", retryAt: null });
      const outcome = await this.transport.save({
        client_id: batch.save,
        household_id: this.settings.householdId,
        user: this.settings.userId,
        base: batch.base,
        claimed_at: batch.entries[batch.entries.length - 1]?.at ?? new Date().toISOString(),
        ops: batch.ops,
      });
      if (this.closed) return;
      switch (outcome.kind) {
        case "stored": {
          const done = await this.shelf.change(this.settings.householdId, (held, leases) => acknowledge(held, leases, batch.save));
          const sent = done.result;
          this.store.acknowledge(outcome.reply, sent, done.entries);
          this.channel?.postMessage({ household: this.settings.householdId, reply: outcome.reply, sent } satisfies Told);
          this.elsewhere = await this.shelf.countElsewhere(this.settings.householdId);
          this.tries = 0;
          break;
        }
        case "faults":
          this.store.submitFaults(await this.settle((held, leases) => refuse(held, leases, batch.save, outcome.faults)));
          this.tries = 0;
          break;
        case "closed":
          await this.settle((held, leases) => takeApart(held, leases, batch.save));
          this.say({ phase: "closed", message: outcome.message, retryAt: null });
          return;
        case "unknown": {
          await this.settle((_, leases) => release(leases, batch.save));
          const delay = this.retryDelays[Math.min(this.tries, this.retryDelays.length - 1)] ?? 30_000;
          this.tries += 1;
          this.retry(Date.now() + delay, outcome.message);
          return;
        }
        default:
          // An earlier try of this save may have been stored: its client id stays.
          await this.settle((_, leases) => release(leases, batch.save));
          this.say({ phase: outcome.kind, message: outcome.message, retryAt: null });
          return;
      }
    }
  }

  private async settle<T>(work: (entries: Entries, leases: Map<string, Lease>) => T): Promise<T> {
    const { result, entries } = await this.shelf.change(this.settings.householdId, work);
    this.store.settled(entries);
    return result;
  }

  private retry(at: number, message: string): void {
    this.say({ phase: "offline", message, retryAt: at });
    this.clearTimer();
    this.timer = setTimeout(() => void this.flush(), Math.max(0, at - Date.now()));
  }

  private clearTimer(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private say(line: Pick<Status, "phase" | "message" | "retryAt">): void {
    this.line = line;
    this.tell();
  }

  private tell(): void {
    this.shownStatus = null;
    if (this.shelf.durable) noteUnsent(this.settings.username, this.store.entries.size + this.elsewhere);
    for (const listener of this.listeners) listener();
  }

  private indicator(target: Target, name: string): Indicator | undefined {
    return indicatorOf(this.pack, target === HOUSEHOLD ? "household_year" : "person_year", name);
  }

  /** The item, where it may be typed now. */
  private typed(target: Target, name: string): Indicator | undefined {
    const indicator = this.indicator(target, name);
    return indicator && this.state.may.edit && editable(this.pack, indicator) ? indicator : undefined;
  }

  private section(target: Target, key: string): HouseholdState["forms"][number]["sections"][number] | undefined {
    return this.state.forms.find((form) => form.target === target)?.sections.find((section) => section.key === key);
  }

  private field(target: Target, name: string): HouseholdState["forms"][number]["sections"][number]["fields"][number] | undefined {
    for (const section of this.state.forms.find((form) => form.target === target)?.sections ?? []) {
      const found = section.fields.find((field) => field.name === name);
      if (found) return found;
    }
    return undefined;
  }

  private faultOf(target: Target, name: string): string | null {
    return [...this.store.entries.values()].find((entry) => entry.target === target && entry.name === name)?.fault ?? null;
  }

  /** What the server has of an item, or will have when the save under way is stored; undefined where it cannot be known. */
  private onTheWay(target: Target, name: string): Value | undefined {
    const underWay = [...this.store.entries.values()].find((entry) => entry.target === target && entry.name === name && entry.state === "sending");
    if (underWay) return underWay.op?.op === "set" ? underWay.op.value : undefined;
    const indicator = this.indicator(target, name);
    if (indicator?.privacy === "secret") return undefined;
    if (indicator && carries(indicator) && [...this.store.entries.values()].some((entry) => entry.target === target && entry.op?.op === "tick")) return undefined;
    const { bundle } = this.store;
    if (target === HOUSEHOLD) return { ...bundle.household.values, ...bundle.record.values }[name];
    const person = bundle.persons.find((found) => found.id === target);
    return person ? { ...person.values, ...person.record.values }[name] : undefined;
  }

  private memberDay(reason: string, date: string, kind: "increase" | "decrease"): { date: string } | { fault: string; name: string } {
    if (!this.reasons(kind).some((item) => item.code === reason)) return { fault: say.session.reasonFirst[kind], name: "change_reason" };
    const day = parseDate(date);
    if (!("value" in day) || typeof day.value !== "string") return { fault: say.session.dayFirst[kind], name: "change_date" };
    if (day.value > localToday()) return { fault: say.session.notInFuture[kind], name: "change_date" };
    return { date: day.value };
  }
}

function localToday(): string {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

let asked = false;

/** Browsers throw stored data away when space is short, unless they were asked not to. */
function askToPersist(): void {
  if (asked || typeof navigator === "undefined" || !navigator.storage?.persist) return;
  asked = true;
  navigator.storage
    .persisted()
    .then((already) => already || navigator.storage.persist())
    .catch(() => false);
}
