/** The way of the cursor: from the first field to the last, through every member, to the button that submits. */

import { HOUSEHOLD, type HouseholdState, normaliseNumberText, type SectionState, type Target } from "../../engine";
import { isStop, memberForms, paperSections, registrySection, shownFields, visitSection, VISIT } from "./layout";

export interface Stop {
  /** Element id. */
  id: string;
  target: Target;
  section: string;
  name: string;
}

export const VISITOR_ONE = "visited_by_1";
export const VISITOR_TWO = "visited_by_2";
export const VISITED_ON = "visited_on";
export const SUBMIT: Stop = { id: "submit", target: HOUSEHOLD, section: VISIT, name: "submit" };

export function fieldId(target: Target, name: string): string {
  return `f-${target}-${name}`;
}

function sectionStops(section: SectionState): Stop[] {
  return shownFields(section)
    .filter(isStop)
    .map((field) => ({ id: fieldId(field.target, field.name), target: field.target, section: section.key, name: field.name }));
}

/** `withRegistry`: the folded file items are open. */
export function stops(state: HouseholdState, withRegistry: boolean): Stop[] {
  const found = paperSections(state).flatMap(sectionStops);
  for (const form of memberForms(state)) if (form.person?.live) found.push(...form.sections.flatMap(sectionStops));
  const registry = registrySection(state);
  if (withRegistry && registry) found.push(...sectionStops(registry));
  if (state.may.edit) {
    for (const name of [VISITOR_ONE, VISITOR_TWO, VISITED_ON]) found.push({ id: fieldId(HOUSEHOLD, name), target: HOUSEHOLD, section: VISIT, name });
    const visit = visitSection(state);
    if (visit) found.push(...sectionStops(visit));
  }
  if (state.may.submit) found.push(SUBMIT);
  return found;
}

export function indexOf(all: readonly Stop[], id: string): number {
  return all.findIndex((stop) => stop.id === id);
}

export function neighbour(all: readonly Stop[], id: string, step: 1 | -1): Stop | undefined {
  const at = indexOf(all, id);
  return at < 0 ? undefined : all[at + step];
}

/** First stop of the next (or previous) section, members counted section by section. From nowhere: the first stop of all. */
export function sectionNeighbour(all: readonly Stop[], id: string, step: 1 | -1): Stop | undefined {
  const at = indexOf(all, id);
  const here = all[at];
  if (!here) return all[0];
  const same = (stop: Stop): boolean => stop.target === here.target && stop.section === here.section;
  if (step === 1) return all.slice(at + 1).find((stop) => !same(stop));
  let place = at;
  while (place >= 0 && same(all[place] as Stop)) place -= 1;
  const before = all[place];
  return before && all.find((stop) => stop.target === before.target && stop.section === before.section);
}

/** First stop after everything of one member: the next member, or what follows the members. */
export function afterTarget(all: readonly Stop[], target: Target): Stop | undefined {
  const at = all.findIndex((stop) => stop.target === target);
  return at < 0 ? undefined : all.slice(at + 1).find((stop) => stop.target !== target);
}

/** Whose field an element is, by its id; undefined for what is no field. */
export function targetOf(id: string): Target | undefined {
  if (id === SUBMIT.id || id.startsWith(fieldId(HOUSEHOLD, ""))) return HOUSEHOLD;
  return /^f-([0-9a-f-]{36})-/.exec(id)?.[1];
}

export function firstOf(all: readonly Stop[], target: Target, section?: string): Stop | undefined {
  return all.find((stop) => stop.target === target && (section === undefined || stop.section === section));
}

/** The stop of an item's printed number: "31" and "h31" are H31 in the household's part, "23" in a member's is M23 of that member. */
export function stopOfNumber(all: readonly Stop[], state: HouseholdState, typed: string, member: Target): Stop | undefined {
  const match = /^([HM]?)0*(\d{1,3})$/.exec(normaliseNumberText(typed).toUpperCase());
  if (!match) return undefined;
  const letter = match[1] || (member === HOUSEHOLD ? "H" : "M");
  const number = `${letter}${(match[2] ?? "").padStart(2, "0")}`;
  const target = letter === "H" ? HOUSEHOLD : member === HOUSEHOLD ? memberForms(state).find((form) => form.person?.live)?.target : member;
  const fields = state.forms.find((form) => form.target === target)?.sections.flatMap((section) => section.fields) ?? [];
  const field = fields.find((one) => one.indicator.number === number);
  return field && all.find((stop) => stop.target === target && stop.name === field.name);
}
