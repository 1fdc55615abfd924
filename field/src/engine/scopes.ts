/** The scopes that nodes are evaluated in (docs/rule-language.md), built as fangfanpin/records/units.py builds them. */

import { columnsOf, evaluate } from "../expressions/evaluate";
import type { Held, HouseholdScope, Scope } from "../expressions/nodes";
import { bankLuhnOk, cardFacts, identityFacts } from "../privacy/facts";
import { fromEngine, toEngine } from "./codec";
import { carries, headName, indicatorOf, type Model, type Part, type PersonPart } from "./model";
import { HOUSEHOLD, type FormKey, type HouseholdBundle, type Indicator, type PackBundle, type Target, type Value, type Values } from "./types";

type Row = Record<string, unknown>;
type MutableScope = { row: Row; last: Row | null; household: HouseholdScope; consts: Readonly<Record<string, unknown>> };

export interface Scopes {
  household: Scope;
  /** Every person's, also of those who left. */
  persons: Map<Target, Scope>;
  spells: Scope[];
  /** Computed items in codec form, by target. */
  computed: Map<Target, Record<string, Value>>;
}

/**
 * Rows hold what stands on the screen: this year's values, and last year's as-of and fixed ones while they are only carried over, so
 * that checks and sums speak of the form as it will be when nothing else changes.
 */
export function scopesOf(pack: PackBundle, bundle: HouseholdBundle, model: Model): Scopes {
  const computed = new Map<Target, Record<string, Value>>();
  const persons = new Map<Target, MutableScope>();
  const nowhere: HouseholdScope = { row: {} };
  for (const person of model.persons) {
    persons.set(person.target, {
      row: { ...engineRow(pack, "person_year", standing(pack, person)), ...factRow(personFacts(person)), row_id: person.target },
      last: person.last ? engineRow(pack, "person_year", person.last) : null,
      household: nowhere,
      consts: pack.consts,
    });
  }
  const spells = (bundle.spells ?? (bundle.spell ? [bundle.spell] : [])).map(
    (spell): MutableScope => ({ row: spellRow(pack, spell.values), last: null, household: nowhere, consts: pack.consts }),
  );
  const latest = spells[spells.length - 1];
  const beside: Record<string, MutableScope[]> = {};
  for (const [name, rows] of Object.entries(bundle.relations ?? {})) {
    beside[name] = rows.map((row): MutableScope => ({ row, last: null, household: nowhere, consts: pack.consts }));
  }
  const members = model.persons.filter((person) => person.live).map((person) => persons.get(person.target) as MutableScope);
  const row: Row = {
    ...engineRow(pack, "household_year", bundle.household.facts ?? {}),
    ...engineRow(pack, "household_year", standing(pack, model.household)),
    bank_luhn_ok: householdLuhn(model.household),
    members_live: members.length,
    head_name: headName(bundle, model) || null,
    monitoring_type: latest?.row["monitoring_type"] ?? null,
    monitoring_state: latest?.row["spell_state"] ?? null,
    form_year: pack.campaign.year,
  };
  const household: MutableScope & HouseholdScope = {
    row,
    last: model.household.last ? engineRow(pack, "household_year", model.household.last) : null,
    spell: latest ?? null,
    relations: { members, all_members: [...persons.values()], spells, ...beside },
    household: nowhere,
    consts: pack.consts,
  };
  for (const scope of [household, ...persons.values(), ...spells, ...Object.values(beside).flat()]) scope.household = household;
  for (const { form, name, node } of computations(pack)) {
    const targets: [Target, MutableScope][] = form === "household_year" ? [[HOUSEHOLD, household]] : [...persons.entries()];
    for (const [target, scope] of targets) {
      const value = evaluate(node, scope);
      scope.row[name] = value;
      const held = computed.get(target) ?? {};
      held[name] = fromEngine((indicatorOf(pack, form, name) as Indicator).type, value);
      computed.set(target, held);
    }
  }
  return { household, persons, spells, computed };
}

/** This year's values, with carried-over ones where nothing was said. */
export function standing(pack: PackBundle, part: Part): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const [name, value] of Object.entries(part.last ?? {})) {
    const indicator = indicatorOf(pack, part.form, name);
    if (indicator && carries(indicator)) found[name] = value;
  }
  return Object.assign(found, part.values);
}

function engineRow(pack: PackBundle, form: FormKey, values: Values): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(values)) row[name] = engineValue(indicatorOf(pack, form, name), name, value);
  return row;
}

function engineValue(indicator: Pick<Indicator, "type"> | undefined, name: string, value: Value): Held {
  // Facts are no items of the dictionary; `id_birth` is the only date among them.
  return toEngine(indicator?.type ?? (name === "id_birth" ? "date" : "text"), value);
}

function factRow(facts: Values): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(facts)) row[name] = engineValue(undefined, name, value);
  return row;
}

function spellRow(pack: PackBundle, values: Values): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(values)) row[name] = engineValue(pack.spell_items?.[name], name, value);
  return row;
}

/** Facts of the numbers typed here; the server's for those it holds and only shows in part. */
function personFacts(person: PersonPart): Values {
  const typedId = person.changed.has("id_number");
  const typedCard = person.changed.has("disability_card_no");
  const id = typedId ? textOf(person.values["id_number"]) : null;
  let facts: Values = person.facts;
  if (typedId) facts = { ...facts, ...identityFacts(id), card_matches_id: null };
  if (typedCard) facts = { ...facts, ...cardFacts(textOf(person.values["disability_card_no"]), id) };
  return facts;
}

function textOf(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function householdLuhn(household: Part): Value {
  if (household.changed.has("bank_card_no")) return bankLuhnOk(textOf(household.values["bank_card_no"]));
  return household.facts["bank_luhn_ok"] ?? null;
}

interface Computation {
  form: FormKey;
  name: string;
  node: NonNullable<Indicator["computed"]>;
}
const orders = new WeakMap<PackBundle, Computation[]>();

/** Computed items, each after those it reads. */
function computations(pack: PackBundle): Computation[] {
  const known = orders.get(pack);
  if (known) return known;
  const all = Object.values(pack.indicators).flatMap((indicator): Computation[] =>
    indicator.computed ? [{ form: indicator.form, name: indicator.name, node: indicator.computed }] : [],
  );
  const ordered: Computation[] = [];
  const seen = new Set<Computation>();
  const visit = (one: Computation): void => {
    if (seen.has(one)) return;
    seen.add(one);
    const read = new Set(columnsOf(one.node).map(([scope, name]) => `${scope}.${name}`));
    for (const other of all) {
      const place = other.form === one.form ? "row" : other.form === "household_year" ? "household" : "members";
      if (read.has(`${place}.${other.name}`)) visit(other);
    }
    ordered.push(one);
  };
  all.forEach(visit);
  orders.set(pack, ordered);
  return ordered;
}
