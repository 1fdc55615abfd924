/** Constraints that fail and rules that hit, in words. Rules of the whole county (reach "set") are the sweep's. */

import { columnsOf, evaluate } from "../expressions/evaluate";
import type { ExpressionNode, Held, Scope } from "../expressions/nodes";
import { say } from "../words";
import { display, fromEngine } from "./codec";
import { formOf, indicatorOf, type Model, partOf } from "./model";
import type { Scopes } from "./scopes";
import { HOUSEHOLD, type Finding, type FormKey, type PackBundle, type Rule, type Target } from "./types";

const SEVERITY: Readonly<Record<Rule["severity"], Finding["severity"]>> = { E: "error", W: "warn", I: "info" };
const ORDER: Readonly<Record<Finding["severity"], number>> = { error: 0, warn: 1, info: 2 };
const PLACE = /\{([a-z_.0-9]+)\}/g;

export function findingsOf(pack: PackBundle, model: Model, scopes: Scopes, sensitive: boolean): Finding[] {
  const found: Finding[] = [];
  const persons = model.persons
    .filter((person) => person.live)
    .map((person): [Target, Scope] => [person.target, scopes.persons.get(person.target) as Scope]);
  const household: [Target, Scope][] = [[HOUSEHOLD, scopes.household]];
  for (const constraint of pack.constraints) {
    if (!sensitive && readsSensitive(pack, constraint.subject, constraint.expr)) continue;
    for (const [target, scope] of constraint.subject === "household" ? household : persons) {
      if (evaluate(constraint.expr, scope) !== false) continue;
      found.push({
        id: constraint.id,
        kind: "constraint",
        severity: constraint.severity,
        target,
        items: constraint.fields,
        message: constraint.message,
        where: "",
        fresh: isFresh(pack, model, target, constraint.expr),
      });
    }
  }
  for (const rule of pack.rules) {
    if (!sensitive && (readsSensitive(pack, rule.subject, rule.when) || (rule.scope && readsSensitive(pack, rule.subject, rule.scope)))) continue;
    const places = rule.subject === "household" ? household : rule.subject === "person" ? persons : scopes.spells.map((scope): [Target, Scope] => [HOUSEHOLD, scope]);
    for (const [target, scope] of places) {
      if (rule.scope && evaluate(rule.scope, scope) !== true) continue;
      if (evaluate(rule.when, scope) !== true) continue;
      found.push({
        id: rule.id,
        kind: "rule",
        severity: SEVERITY[rule.severity],
        target,
        items: itemsOfRule(pack, rule, target),
        message: sentence(pack, rule, scope),
        where: rule.where,
        fresh: isFresh(pack, model, target, rule.when),
      });
    }
  }
  return found
    .map((finding, index) => ({ finding, index }))
    .sort((a, b) => ORDER[a.finding.severity] - ORDER[b.finding.severity] || a.index - b.index)
    .map(({ finding }) => finding);
}

/** A derived fact is mended at the number it comes from. */
const TYPED_FOR_FACT: Readonly<Record<string, string>> = {
  id_form: "id_number",
  id_check_ok: "id_number",
  card_check_ok: "disability_card_no",
  card_reissue_ok: "disability_card_no",
  card_matches_id: "disability_card_no",
  bank_luhn_ok: "bank_card_no",
};
const FACT_LISTS: Readonly<Record<string, string>> = { id_sex: "sex", card_category: "disability_category", card_grade: "disability_grade" };

/** Facts are no items of the dictionary; as fangfanpin/quality/messages.py says them. */
function factWord(pack: PackBundle, name: string, held: Held): string {
  if (held === null) return "";
  if (typeof held === "boolean") return held ? say.values.yes : say.values.no;
  if (name === "id_form") return say.facts.idForms[String(held)] ?? String(held);
  if (name === "id_birth") return String(fromEngine("date", held));
  const list = FACT_LISTS[name];
  return list ? display(pack, { type: "code", scale: 0, list }, String(held)) : String(held);
}

const columns = new WeakMap<ExpressionNode, [string, string][]>();

function columnsCached(node: ExpressionNode): [string, string][] {
  let known = columns.get(node);
  if (!known) columns.set(node, (known = columnsOf(node)));
  return known;
}

/** The form a column of a scope belongs to; null for spells and facts' own places. */
function formOfColumn(subject: Rule["subject"], scope: string): FormKey | null {
  if (scope === "row" || scope === "last") return subject === "person" ? "person_year" : subject === "household" ? "household_year" : null;
  if (scope.startsWith("household")) return "household_year";
  return scope === "members" || scope === "all_members" ? "person_year" : null;
}

/** What is masked here is no value: a check that reads it would judge asterisks. */
function readsSensitive(pack: PackBundle, subject: Rule["subject"], node: ExpressionNode): boolean {
  return columnsCached(node).some(([scope, name]) => {
    const form = formOfColumn(subject, scope);
    return name.startsWith("card_") || (form !== null && indicatorOf(pack, form, name)?.privacy === "sensitive");
  });
}

function isFresh(pack: PackBundle, model: Model, target: Target, node: ExpressionNode): boolean {
  const subject = target === HOUSEHOLD ? "household" : "person";
  let reads = false;
  for (const [scope, name] of columnsCached(node)) {
    const form = formOfColumn(subject, scope);
    if (form === null || indicatorOf(pack, form, name)?.home !== "record") continue;
    if (scope === "last" || scope === "household.last") continue;
    reads = true;
    const parts =
      scope === "row" ? [partOf(model, target)] : form === "household_year" ? [model.household] : model.persons.filter((person) => person.live);
    if (parts.some((part) => part?.values[name] !== undefined)) return true;
  }
  return !reads;
}

/** Items of the target's own form the rule is about. */
function itemsOfRule(pack: PackBundle, rule: Rule, target: Target): string[] {
  const form = formOf(target);
  const own = rule.fields.map((name) => TYPED_FOR_FACT[name] ?? name).filter((name) => indicatorOf(pack, form, name));
  if (own.length || rule.subject === "spell") return own;
  return [
    ...new Set(
      columnsCached(rule.when)
        .filter(([scope, name]) => scope === "row" && indicatorOf(pack, form, name))
        .map(([, name]) => name),
    ),
  ];
}

/** The rule's sentence with the values in it; an empty value shows as 空. */
export function sentence(pack: PackBundle, rule: Rule, scope: Scope): string {
  return rule.message.replace(PLACE, (_, name: string) => word(pack, rule, name, scope) || say.facts.empty);
}

function word(pack: PackBundle, rule: Rule, name: string, scope: Scope): string {
  const dot = name.lastIndexOf(".");
  const [place, bare] = dot < 0 ? ["", name] : [name.slice(0, dot), name.slice(dot + 1)];
  const row =
    place === ""
      ? scope.row
      : place === "last"
        ? scope.last
        : place === "household"
          ? scope.household.row
          : place === "household.last"
            ? scope.household.last
            : scope.household.spell?.row;
  const held = (row?.[bare] ?? null) as Held;
  const form = place.startsWith("household") ? "household_year" : rule.subject === "person" ? "person_year" : "household_year";
  const item = place === "spell" || (rule.subject === "spell" && !place.startsWith("household")) ? pack.spell_items?.[bare] : indicatorOf(pack, form, bare);
  if (!item) return factWord(pack, bare, held);
  return display(pack, item, fromEngine(item.type, held));
}
