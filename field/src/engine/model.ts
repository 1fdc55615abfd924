/** A household as it stands: what the server said, with the changes made here laid over it. Pure. */

import { sameValue } from "./codec";
import {
  HOUSEHOLD,
  type Conflict,
  type FormKey,
  type HouseholdBundle,
  type Indicator,
  type Op,
  type PackBundle,
  type PersonBundle,
  type RecordBundle,
  type SaveReply,
  type Target,
  type Tick,
  type Value,
  type Values,
  type Visit,
} from "./types";

export const LIVE = "01";
export const LEFT = "02";
export const HEAD = "01";
const [INCREASE, DECREASE] = ["01", "02"];

export interface Part {
  target: Target;
  form: FormKey;
  version: number;
  /** This year's: subject items and the record's. */
  values: Record<string, Value>;
  /** Names changed here and not acknowledged: their secret numbers are whole. */
  changed: Set<string>;
  last: Values | null;
  ticks: Record<string, Tick>;
  facts: Values;
}

export interface PersonPart extends Part {
  code: string;
  live: boolean;
  /** Added here; the server does not know the person yet. */
  arriving: boolean;
}

export interface Model {
  household: Part;
  persons: PersonPart[];
  visit: Visit;
  submitted: boolean;
  checked: boolean;
}

export function indicatorOf(pack: PackBundle, form: FormKey, name: string): Indicator | undefined {
  return pack.indicators[`${form}.${name}`];
}

export function formOf(target: Target): FormKey {
  return target === HOUSEHOLD ? "household_year" : "person_year";
}

function part(target: Target, subject: Values, facts: Values, record: RecordBundle): Part {
  return {
    target,
    form: formOf(target),
    version: record.version,
    values: { ...subject, ...record.values },
    changed: new Set(),
    last: record.last ? { ...record.last_subject, ...record.last } : null,
    ticks: { ...record.ticks },
    facts,
  };
}

/** Lays changes over a bundle, in their order. */
export function modelOf(pack: PackBundle, bundle: HouseholdBundle, ops: readonly Op[], me: number): Model {
  const model: Model = {
    household: part(HOUSEHOLD, bundle.household.values, bundle.household.facts ?? {}, bundle.record),
    persons: bundle.persons.map((person) => ({
      ...part(person.id, person.values, person.facts, person.record),
      code: person.code,
      live: person.live,
      arriving: false,
    })),
    visit: bundle.visit,
    submitted: false,
    checked: false,
  };
  for (const op of ops) apply(pack, model, op, me);
  return model;
}

function apply(pack: PackBundle, model: Model, op: Op, me: number): void {
  switch (op.op) {
    case "set": {
      const target = partOf(model, op.target);
      if (target) put(target, op.name, op.value);
      return;
    }
    case "tick":
    case "untick": {
      const target = partOf(model, op.target);
      if (target && op.op === "tick") tick(pack, target, op.section, me);
      else if (target) delete target.ticks[op.section];
      return;
    }
    case "visit":
      model.visit = { visited_by: op.visited_by, visited_on: op.visited_on };
      return;
    case "arrive":
      if (!model.persons.some((person) => person.target === op.person_id)) model.persons.push(arrived(op));
      return;
    case "leave": {
      const person = personOf(model, op.person_id);
      if (!person) return;
      person.live = false;
      put(person, "member_state", LEFT);
      put(person, "change_kind", DECREASE);
      put(person, "change_reason", op.reason);
      put(person, "change_date", op.date);
      return;
    }
    case "stay": {
      const person = personOf(model, op.person_id);
      if (!person) return;
      person.live = true;
      put(person, "member_state", LIVE);
      for (const name of ["change_kind", "change_reason", "change_date"]) put(person, name, null);
      return;
    }
    case "head":
      for (const person of model.persons) {
        if (person.target === op.person_id) put(person, "relation_to_head", HEAD);
        else if (person.values["relation_to_head"] === HEAD) put(person, "relation_to_head", null);
      }
      return;
    case "check":
      model.checked = true;
      return;
    case "submit":
      model.submitted = true;
  }
}

function put(target: Part, name: string, value: Value): void {
  if (!sameValue(target.values[name], value)) target.values[name] = value;
  target.changed.add(name);
}

/** "Unchanged": last year's as-of and fixed values become this year's where nothing was said yet; never period items. */
function tick(pack: PackBundle, target: Part, sectionKey: string, me: number): void {
  const section = pack.forms[target.form].sections.find((found) => found.key === sectionKey);
  if (!section) return;
  target.ticks[sectionKey] = { by: me, at: "" };
  for (const name of section.items) {
    const indicator = indicatorOf(pack, target.form, name);
    if (indicator && carries(indicator) && target.values[name] === undefined && target.last) {
      target.values[name] = target.last[name] ?? null;
    }
  }
}

/** Items whose last value still stands until somebody says otherwise. */
export function carries(indicator: Indicator): boolean {
  return indicator.home === "record" && (indicator.kind === "as_of" || indicator.kind === "fixed");
}

function arrived(op: Extract<Op, { op: "arrive" }>): PersonPart {
  const person: PersonPart = {
    target: op.person_id,
    form: "person_year",
    version: 0,
    values: {},
    changed: new Set(),
    last: null,
    ticks: {},
    facts: {},
    code: "",
    live: true,
    arriving: true,
  };
  put(person, "member_state", LIVE);
  put(person, "change_kind", INCREASE);
  put(person, "change_reason", op.reason);
  put(person, "change_date", op.date);
  for (const [name, value] of Object.entries(op.values)) put(person, name, value);
  return person;
}

export function partOf(model: Model, target: Target): Part | undefined {
  return target === HOUSEHOLD ? model.household : personOf(model, target);
}

function personOf(model: Model, target: Target): PersonPart | undefined {
  return model.persons.find((person) => person.target === target);
}

export function headName(bundle: HouseholdBundle, model: Model): string {
  const head = model.persons.find((person) => person.live && person.values["relation_to_head"] === HEAD);
  return head ? String(head.values["member_name"] ?? "") : bundle.household.head_name;
}

export function versionsOf(bundle: HouseholdBundle): Record<Target, number> {
  return {
    [HOUSEHOLD]: bundle.record.version,
    ...Object.fromEntries(bundle.persons.map((person) => [person.id, person.record.version])),
  };
}

/**
 * Takes a reply over into a bundle. The reply of a retry may be older than the bundle: a target the bundle knows at a later
 * version keeps what it has.
 */
export function merged(pack: PackBundle, bundle: HouseholdBundle, reply: SaveReply): HouseholdBundle {
  const known = versionsOf(bundle);
  const newer = (target: Target): boolean => (reply.versions[target] ?? 0) >= (known[target] ?? 0);
  const fresh = newer(HOUSEHOLD);
  const record = (target: Target, held: RecordBundle): RecordBundle => {
    const values = reply.values[target];
    if (!newer(target)) return held;
    return {
      ...held,
      version: reply.versions[target] ?? held.version,
      state: target === HOUSEHOLD ? reply.state : held.state,
      values: values ? split(pack, target, values).record : held.values,
      ticks: reply.ticks[target] ?? held.ticks,
    };
  };
  const subject = (target: Target, held: Values): Values => {
    const values = reply.values[target];
    return values && newer(target) ? split(pack, target, values).subject : held;
  };
  const facts = (target: Target, held: Values): Values => {
    const found = reply.facts?.[target];
    return found && newer(target) ? { ...held, ...found } : held;
  };
  const persons = bundle.persons.map(
    (person): PersonBundle => {
      const values = subject(person.id, person.values);
      return {
        ...person,
        live: values["member_state"] === undefined ? person.live : values["member_state"] === LIVE,
        values,
        facts: facts(person.id, person.facts),
        record: record(person.id, person.record),
      };
    },
  );
  for (const [target, values] of Object.entries(reply.values)) {
    if (target === HOUSEHOLD || persons.some((person) => person.id === target)) continue;
    const { subject: of, record: held } = split(pack, target, values);
    persons.push({
      id: target,
      code: String(values["person_id"] ?? ""),
      live: values["member_state"] === LIVE,
      values: of,
      facts: reply.facts?.[target] ?? {},
      record: {
        id: null,
        version: reply.versions[target] ?? 1,
        state: "empty",
        values: held,
        ticks: reply.ticks[target] ?? {},
        last: null,
      },
    });
  }
  return {
    ...bundle,
    household: {
      ...bundle.household,
      values: subject(HOUSEHOLD, bundle.household.values),
      facts: facts(HOUSEHOLD, bundle.household.facts ?? {}),
    },
    record: record(HOUSEHOLD, bundle.record),
    persons,
    visit: fresh && reply.visit ? reply.visit : bundle.visit,
    entered_by: fresh && reply.entered_by !== undefined ? reply.entered_by : bundle.entered_by,
    checked_by: fresh && reply.checked_by !== undefined ? reply.checked_by : bundle.checked_by,
    clues: fresh ? reply.clues : bundle.clues,
    conflicts: fresh ? joined(bundle.conflicts, reply.conflicts) : bundle.conflicts,
    reopened: fresh ? (reply.reopened ?? false) : bundle.reopened,
    return_reason: fresh && reply.state === "submitted" ? null : bundle.return_reason,
  };
}

function joined(held: Conflict[], more: Conflict[]): Conflict[] {
  return [...held, ...more.filter((conflict) => !held.some((known) => known.id === conflict.id))];
}

function split(pack: PackBundle, target: Target, values: Values): { subject: Record<string, Value>; record: Record<string, Value> } {
  const form = formOf(target);
  const found = { subject: {} as Record<string, Value>, record: {} as Record<string, Value> };
  for (const [name, value] of Object.entries(values)) {
    found[indicatorOf(pack, form, name)?.home === "subject" ? "subject" : "record"][name] = value;
  }
  return found;
}
