/**
 * What a screen works with.
 *
 *   const session = await openSession({ userId, username, householdId });   // loads pack and bundle, replays what was left unsent
 *   session.subscribe(() => { shown.value = session.state; status.value = session.status; });
 *   session.type("household", "wage_income", "12000");     // on every input event: journaled as a draft
 *   session.commit("household", "wage_income");            // on Enter, Tab, blur: becomes a change and is sent
 */

import type { Conflict, HouseholdState, ListItem, PackBundle, Target, Value } from "../engine/types";

/** How the connection stands. */
export interface Status {
  /**
   * idle: everything is on the server; waiting: something will be sent; sending; offline: no answer, tries again at `retryAt`;
   * password: the session has expired, call `reauthenticate`; closed: entry is closed (`message`); gone: no longer within reach or permitted;
   * broken: the server cannot read what we send (export the unsent changes and tell the county).
   */
  phase: "idle" | "waiting" | "sending" | "offline" | "password" | "closed" | "gone" | "broken";
  message: string;
  retryAt: number | null;
  /** Changes not on the server yet: of this household, and of other households of this user on this device. */
  unsent: number;
  unsentElsewhere: number;
  savedAt: string | null;
  /** false: the browser's storage cannot be used; what is typed lives only in this page until it is sent. */
  durable: boolean;
}

export interface Session {
  readonly pack: PackBundle;
  /** Immutable; the same object until something changes. */
  readonly state: HouseholdState;
  readonly status: Status;
  subscribe(listener: () => void): () => void;

  /** A keystroke: the whole text of the input so far. Journaled as a draft, checked, not sent. */
  type(target: Target, name: string, text: string): void;
  /** Leaves a field: what was typed becomes a change and is sent. Returns the fault that keeps it back, or null. */
  commit(target: Target, name: string): string | null;
  /** A value chosen as a whole (list, multi-select, yes/no, date picker). */
  set(target: Target, name: string, value: Value): string | null;
  /** Gives up what is being typed; the stored value shows again. */
  revert(target: Target, name: string): void;
  /** Confirms the carried-over value of one item. */
  confirm(target: Target, name: string): void;
  tick(target: Target, section: string): void;
  untick(target: Target, section: string): void;
  toggle(target: Target, section: string): void;
  /** The asked items of a section that have no answer yet are left empty, said so. */
  emptyRest(target: Target, section: string): void;
  visit(visitedBy: string[], visitedOn: string | null): string | null;
  /**
   * Returns the new member's id, or what is wrong and of which item. `date` may be typed in any form. With `personId` the reason and date of a member
   * added here (and refused, or not sent yet) are put right.
   */
  arrive(reason: string, date: string, values?: Record<string, Value>, personId?: string): { id: string } | { fault: string; name: string };
  /** Takes back a member added here that the server does not have yet. */
  withdraw(personId: string): void;
  leave(personId: string, reason: string, date: string): string | null;
  stay(personId: string): void;
  head(personId: string): string | null;
  check(): void;
  /** Sent after everything before it. Returns what must be put right first, or null; the server's faults come as `state.faults`. */
  submit(): string | null;
  /** Decides a conflict; resolves to a message when it could not be done. */
  resolve(conflict: Conflict, choice: "mine" | "theirs" | "other", value?: Value): Promise<string | null>;

  /** Entries of an item's list for what was typed: by word, code or first letters. */
  options(target: Target, name: string, typed: string): ListItem[];
  /** Entries of member_change that mean an increase or a decrease. */
  reasons(kind: "increase" | "decrease"): ListItem[];

  /** Asks the password in place; resolves to a message when refused. */
  reauthenticate(password: string): Promise<string | null>;
  /** Sends now what is waiting. */
  flush(): Promise<void>;
  /** Unsent changes as a JSON file's text: the last way out. */
  exportUnsent(): Promise<string>;
  close(): void;
}

export { openSession, type SessionOptions } from "./session";
export { Unreachable } from "./transport";
