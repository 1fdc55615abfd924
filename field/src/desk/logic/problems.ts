/** Everything to be looked at, in one list on top: what blocks, what to look at, what is asked by a clue; each leads to its field. */

import { HOUSEHOLD, type Clue, type FieldState, type Finding, type HouseholdState, type Rule, type Target } from "../../engine";
import { fieldId, VISITED_ON, VISITOR_ONE } from "./stops";
import { named, say } from "../../words";
import { isStop, unconfirmed } from "./layout";

export interface Problem {
  id: string;
  kind: "bad" | "warn" | "clue";
  where: string;
  message: string;
  hint: string;
  /** Element to go to; "" where the problem belongs to no field. */
  goto: string;
  conflict: string;
}

function placeWords(state: HouseholdState, target: Target): string {
  if (target === HOUSEHOLD) return "";
  return state.forms.find((form) => form.target === target)?.person?.name ?? "";
}

/** The one field of a finding where it is shown: the first that is empty (what is missing is to be filled there), else the first. */
export function placeOf(state: HouseholdState, target: Target, items: readonly string[]): string {
  const fields = state.forms.find((form) => form.target === target)?.sections.flatMap((section) => section.fields) ?? [];
  const known = items.map((name) => fields.find((field) => field.name === name)).filter((field): field is FieldState => field !== undefined);
  const asked = known.filter((field) => isStop(field));
  return (asked.find((field) => field.value === undefined || field.value === null) ?? asked[0] ?? known[0])?.name ?? "";
}

function withoutName(message: string, name: string): string {
  const start = say.problems.place(name);
  return name && message.startsWith(start) ? message.slice(start.length) : message;
}

function itemWords(state: HouseholdState, target: Target, name: string): string {
  for (const form of state.forms)
    if (form.target === target)
      for (const section of form.sections) for (const field of section.fields) if (field.name === name) return named(field.indicator);
  return "";
}

function gotoOf(target: Target, name: string): string {
  if (name === "") return "";
  if (name === "visited_by") return fieldId(HOUSEHOLD, VISITOR_ONE);
  if (name === "visited_on") return fieldId(HOUSEHOLD, VISITED_ON);
  return fieldId(target, name);
}

/**
 * Findings worth showing while typing: what reads something said this year. Before that every "is empty" rule hits, and the screen would cry wolf on
 * a blank household; a rule about a computed sum waits until the sheet it adds up is filled in. `asked`: submission was tried, everything shows.
 */
export function worthShowing(state: HouseholdState, asked: boolean): Finding[] {
  if (asked) return state.findings;
  const unfinished = new Set<string>();
  for (const form of state.forms)
    for (const section of form.sections)
      if (section.answered < section.asked) for (const field of section.fields) if (field.computed) unfinished.add(`${form.target} ${field.name}`);
  return state.findings.filter(
    (finding) => finding.fresh && (finding.kind === "constraint" || !finding.items.some((name) => unfinished.has(`${finding.target} ${name}`))),
  );
}

/** The items a clue is about: those its rule names, where the rule is one of the bundle (set rules of the sweep are not). */
export function clueItems(clue: Clue, rules: readonly Rule[]): string[] {
  return rules.find((rule) => rule.id === clue.rule)?.fields ?? [];
}

export function problems(state: HouseholdState, rules: readonly Rule[], asked: boolean, here = ""): Problem[] {
  const found: Problem[] = [];
  const add = (kind: Problem["kind"], id: string, target: Target, name: string, message: string, hint = "", conflict = ""): void => {
    const where = [placeWords(state, target), itemWords(state, target, name)].filter(Boolean).join(" · ");
    found.push({ id, kind, where, message: withoutName(message, placeWords(state, target)), hint, goto: gotoOf(target, name), conflict });
  };
  const findings = worthShowing(state, asked);
  const open = asked ? unconfirmed(state) : [];
  // What the server refuses by a check that is made here as well is said once.
  const said = (fault: HouseholdState["faults"][number]): boolean =>
    fault.origin === "server" &&
    (findings.some((finding) => finding.target === fault.target && fault.message.startsWith(finding.message)) ||
      open.some(({ form, section, first }) => form.target === fault.target && first.name === fault.name && fault.message.includes(section.title)));
  for (const fault of state.faults.filter((one) => !said(one))) add("bad", `fault-${fault.target}-${fault.name}`, fault.target, fault.name, fault.message);
  for (const form of state.forms)
    for (const field of form.sections.flatMap((section) => section.fields))
      if (field.mark === "draft" && fieldId(field.target, field.name) !== here && !state.faults.some((one) => one.target === field.target && one.name === field.name))
        add("warn", `draft-${field.target}-${field.name}`, field.target, field.name, say.problems.draft(field.text));
  for (const { form, section, first } of open)
    add("bad", `open-${form.target}-${section.key}`, form.target, first.name, say.problems.stillLastYear(section.title));
  for (const finding of findings)
    if (finding.severity === "error")
      add("bad", `finding-${finding.id}-${finding.target}`, finding.target, placeOf(state, finding.target, finding.items), finding.message, finding.where);
  for (const conflict of state.conflicts)
    add("warn", `conflict-${conflict.id}`, conflict.target, conflict.name, say.problems.conflict, "", conflict.id);
  for (const finding of findings)
    if (finding.severity === "warn")
      add("warn", `finding-${finding.id}-${finding.target}`, finding.target, placeOf(state, finding.target, finding.items), finding.message, finding.where);
  for (const clue of state.clues)
    add("clue", `clue-${clue.id}`, clue.person_id ?? HOUSEHOLD, placeOf(state, clue.person_id ?? HOUSEHOLD, clueItems(clue, rules)), clue.message, clue.where);
  return found;
}

export interface Counts {
  bad: number;
  warn: number;
  clue: number;
}

export function counts(all: readonly Pick<Problem, "kind">[]): Counts {
  const of = (kind: Problem["kind"]): number => all.filter((problem) => problem.kind === kind).length;
  return { bad: of("bad"), warn: of("warn"), clue: of("clue") };
}

/** "2 处必须改正，3 处请核对，1 条线索待核实", or "" for nothing. */
export function countWords({ bad, warn, clue }: Counts): string {
  return [bad && say.problems.bad(bad), warn && say.problems.warn(warn), clue && say.problems.clue(clue)].filter(Boolean).join(say.problems.comma);
}
