/** What every part of the screen needs: the session, what it shows now, and the way of the cursor. */

import { type ComputedRef, inject, type InjectionKey, type Ref, type ShallowRef } from "vue";

import type { Clue, FieldState, Finding, HouseholdState, SectionState, Target, Value } from "../engine";
import type { Session, Status } from "../journal";
import type { SumTree } from "./logic/sums";

/** An input on the cursor's way. */
export interface Leaver {
  /** Takes over what was typed; the fault that keeps it back, or null. */
  leave(): string | null;
  /** Gives up what is being typed. */
  giveUp(): void;
}

export interface Desk {
  session: Session;
  state: ShallowRef<HouseholdState>;
  status: ShallowRef<Status>;
  me: { id: number; username: string; name: string };
  /** Submission was tried: rules that only read carried-over values are shown as well. */
  asked: Ref<boolean>;
  /** Where the cursor is. */
  here: Ref<string>;
  /** Field whose fault kept the cursor from leaving. */
  stuck: Ref<string>;
  sums: ShallowRef<SumTree>;
  register(id: string, leaver: Leaver): void;
  unregister(id: string): void;
  commit(target: Target, name: string): string | null;
  choose(target: Target, name: string, value: Value): string | null;
  go(id: string): void;
  /** "Unchanged" or "the rest: none", whichever the section knows. */
  answerSection(section: SectionState): void;
  sectionKey(section: SectionState): void;
  announce(text: string): void;
  /** Findings to be shown now. */
  findings: ComputedRef<Finding[]>;
  cluesOf(field: FieldState): Clue[];
  /** How the county reads an item. */
  notesOn(field: FieldState): readonly string[];
  openConflict(id: string): void;
}

export const DeskKey: InjectionKey<Desk> = Symbol("desk");

export function useDesk(): Desk {
  const desk = inject(DeskKey);
  if (!desk) throw new Error("a part of the desk screen stands outside it");
  return desk;
}

export function fieldOf(state: HouseholdState, target: Target, name: string): FieldState | undefined {
  for (const form of state.forms)
    if (form.target === target) for (const section of form.sections) for (const field of section.fields) if (field.name === name) return field;
  return undefined;
}
