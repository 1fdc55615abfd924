/** Shapes of docs/field-api.md, and what the engine shows of a household. No DOM, no Vue. */

import type { ExpressionNode } from "../expressions/nodes";

/** A value in codec form (docs/field-api.md). */
export type Value = null | boolean | number | string | string[];
export type Values = Readonly<Record<string, Value>>;
/** "household" or a person's id. */
export type Target = string;
export const HOUSEHOLD: Target = "household";
export type FormKey = "household_year" | "person_year";

export type IndicatorType =
  | "money" | "area_mu" | "decimal" | "int" | "year" | "bool" | "code" | "date" | "month"
  | "text" | "phone" | "secret_number" | "ref" | "image" | "signature" | "point";

export interface Indicator {
  form: FormKey;
  name: string;
  zh: string;
  /** With a bundle in English. */
  en?: string;
  short: string;
  number: string;
  type: IndicatorType;
  unit: string;
  scale: number;
  list: string;
  /** The item of the same form that it is added into; "" for none. */
  part_of?: string;
  kind: "period" | "as_of" | "fixed" | "admin";
  home: "subject" | "record" | "computed" | "spell" | "typed";
  privacy: "none" | "sensitive" | "secret";
  multi: boolean;
  required: boolean;
  retired?: boolean;
  max_length?: number | null;
  computed: ExpressionNode | null;
  relevance: ExpressionNode | null;
}

/** `key`: first letters of the word's pinyin. */
export interface ListItem {
  code: string;
  zh: string;
  /** With a bundle in English. */
  en?: string;
  key: string;
}

export interface Section {
  key: string;
  title: string;
  items: string[];
  tickable: boolean;
  kind: "as_of" | "period" | "mixed";
}

export interface Constraint {
  id: string;
  form: FormKey;
  subject: "household" | "person";
  expr: ExpressionNode;
  severity: "error" | "warn";
  message: string;
  fields: string[];
}

export interface Rule {
  id: string;
  severity: "E" | "W" | "I";
  subject: "household" | "person" | "spell";
  scope: ExpressionNode | null;
  when: ExpressionNode;
  title: string;
  message: string;
  where: string;
  fields: string[];
  reach: "row" | "household";
}

export interface SpellItem {
  type: IndicatorType;
  scale: number;
  list: string;
  multi: boolean;
}

export interface PackBundle {
  hash: string;
  /** Of titles, labels and messages. */
  language?: "zh" | "en";
  campaign: {
    year: number;
    title: string;
    period_start: string;
    period_end: string;
    state_date: string;
    entry_closes_at: string | null;
  };
  consts: Record<string, number>;
  forms: Record<FormKey, { title: string; sections: Section[] }>;
  indicators: Record<string, Indicator>;
  /** How the county reads an item, by form.name. */
  notes?: Record<string, string[]>;
  spell_items?: Record<string, SpellItem>;
  lists: Record<string, ListItem[]>;
  synonyms?: Record<string, Record<string, string>>;
  change_reasons?: { increase: string[]; decrease: string[] };
  not_typed?: string[];
  sum_groups: string[][];
  constraints: Constraint[];
  rules: Rule[];
}

export interface Tick {
  by: number;
  at: string;
}

export type RecordState = "empty" | "draft" | "submitted" | "returned" | "approved" | "locked";

export interface RecordBundle {
  id: string | null;
  version: number;
  state: RecordState;
  values: Values;
  ticks: Record<string, Tick>;
  last: Values | null;
  last_subject?: Values;
}

export interface PersonBundle {
  id: string;
  code: string;
  live: boolean;
  values: Values;
  facts: Values;
  record: RecordBundle;
}

export interface Clue {
  id: string;
  rule: string;
  severity: string;
  message: string;
  where: string;
  person_id: string | null;
  /** Items of its rule, which the pack's bundle need not hold (a rule over the whole county). Missing in answers kept since before they were told. */
  fields?: string[];
}

export interface Conflict {
  id: string;
  target: Target;
  name: string;
  mine: Value;
  theirs: Value;
  by: string;
  at: string;
  source: string;
  offered_by: string;
  offered_at: string;
  offered_source: string;
}

export interface Visit {
  visited_by: string[];
  visited_on: string | null;
}

export interface HouseholdBundle {
  user?: number;
  household: {
    id: string;
    code: string;
    village: string;
    natural_village: string;
    head_name: string;
    values: Values;
    facts?: Values;
  };
  record: RecordBundle;
  persons: PersonBundle[];
  spell: { values: Values } | null;
  spells?: { values: Values }[];
  /** Rows beside the household that rules ask for, by relation, as expressions see them. */
  relations?: Record<string, Readonly<Record<string, unknown>>[]>;
  visit: Visit;
  entered_by: string | null;
  checked_by: string | null;
  return_reason: string | null;
  /** Handed in once, and changed since into what may not be handed in. */
  reopened?: boolean;
  clues: Clue[];
  conflicts: Conflict[];
  locked: string | null;
  may: { edit: boolean; submit: boolean; check: boolean; review: boolean; reveal: boolean; sensitive?: boolean };
  next_url: string | null;
  previous_url: string | null;
}

export type Op =
  | { op: "set"; target: Target; name: string; value: Value }
  | { op: "tick" | "untick"; target: Target; section: string }
  | ({ op: "visit" } & Visit)
  | { op: "arrive"; person_id: string; reason: string; date: string; values: Values }
  | { op: "leave"; person_id: string; reason: string; date: string }
  | { op: "stay" | "head"; person_id: string }
  | { op: "check" }
  | { op: "submit" };

export interface SaveBody {
  client_id: string;
  household_id: string;
  user: number;
  base: Record<Target, number>;
  claimed_at: string;
  ops: Op[];
}

export interface ServerFault {
  target: Target;
  name: string;
  message: string;
}

export interface SaveReply {
  client_id: string;
  versions: Record<Target, number>;
  values: Record<Target, Values>;
  ticks: Record<Target, Record<string, Tick>>;
  facts?: Record<Target, Values>;
  state: RecordState;
  reopened?: boolean;
  visit?: Visit;
  entered_by?: string | null;
  checked_by?: string | null;
  merged: { target: Target; name: string }[];
  conflicts: Conflict[];
  clues: Clue[];
  saved_at: string;
}

// ---------------------------------------------------------------- what is shown

/**
 * How far a change has come: `writing` = typed, not yet in the journal; `waiting` = in the journal of this device, not yet sent;
 * `draft` = in the journal but not finished (text that is no value, or not confirmed by Enter or leaving the field); `sending`;
 * `refused` = the server said no, see `fault`; `stored` = acknowledged since the page was opened; `none` = untouched.
 */
export type Mark = "none" | "writing" | "draft" | "waiting" | "sending" | "refused" | "stored";

/** A constraint that fails or a rule that hits, in words. */
export interface Finding {
  id: string;
  kind: "constraint" | "rule";
  severity: "error" | "warn" | "info";
  target: Target;
  /** Items to look at, of `target`. */
  items: string[];
  message: string;
  where: string;
  /** Something it reads was typed or confirmed this year; false = only carried-over or imported values. */
  fresh: boolean;
}

/** A value that cannot be sent or was refused. `name`: item, section, "visited_on", "arrive" … or "". */
export interface Fault {
  target: Target;
  name: string;
  label: string;
  message: string;
  /** "typed": caught here while typing; "server": the server refused it. */
  origin: "typed" | "server";
}

export interface FieldState {
  target: Target;
  name: string;
  indicator: Indicator;
  /** This year's; undefined = not said yet. */
  value: Value | undefined;
  /** Last year's, or undefined. */
  last: Value | undefined;
  /** What stands in the input: text being typed, this year's in words, else the carried-over value in words. */
  text: string;
  /** This year's value in words ("" for nothing). */
  words: string;
  lastWords: string;
  /** `text` is last year's as-of or fixed value, not yet confirmed this year. */
  carried: boolean;
  relevant: boolean;
  editable: boolean;
  computed: boolean;
  /** The value is hidden in part; typing replaces the whole. */
  masked: boolean;
  /** This year differs from last year. */
  changed: boolean;
  fault: string | null;
  findings: Finding[];
  mark: Mark;
  conflict: Conflict | null;
}

export interface SectionState {
  target: Target;
  key: string;
  title: string;
  kind: Section["kind"];
  tickable: boolean;
  ticked: Tick | null;
  tickMark: Mark;
  fields: FieldState[];
  /** Of the items that are asked of the record: how many, and how many have an answer this year. */
  asked: number;
  answered: number;
  status: "untouched" | "partly" | "answered";
}

export interface PersonState {
  id: string;
  code: string;
  name: string;
  live: boolean;
  head: boolean;
  /** Added here and not yet known to the server. */
  arriving: boolean;
  relation: string;
  sex: string;
  age: number | null;
  changeReason: string;
  changeDate: string;
  mark: Mark;
}

export interface FormState {
  target: Target;
  form: FormKey;
  title: string;
  person: PersonState | null;
  sections: SectionState[];
}

export interface HouseholdState {
  id: string;
  code: string;
  village: string;
  naturalVillage: string;
  headName: string;
  year: number;
  recordState: RecordState;
  reopened: boolean;
  returnReason: string | null;
  locked: string | null;
  may: HouseholdBundle["may"];
  /** The household's form first, then members: live ones in order, then those who left. */
  forms: FormState[];
  visit: Visit & { mark: Mark; fault: string | null };
  enteredBy: string | null;
  checkedBy: string | null;
  /** Everything found now, errors first. */
  findings: Finding[];
  faults: Fault[];
  conflicts: Conflict[];
  clues: Clue[];
  /** Items others changed meanwhile, as the last reply told. */
  merged: { target: Target; name: string }[];
  sections: { answered: number; total: number };
  /** Changes that are not on the server yet, drafts and refused ones included. */
  unsent: number;
  savedAt: string | null;
  nextUrl: string | null;
  previousUrl: string | null;
}
