/** Which items stand where on the screen: the order of the paper, less what the desk cannot type or does by acts of its own. */

import { HOUSEHOLD, type FieldState, type FormState, type HouseholdState, type SectionState, type Value } from "../../engine";
import type { SumTree } from "./sums";

/** Set by acts (members in, out, head; visit; entry) or shown in the head line, not as fields. */
const ELSEWHERE = new Set([
  "household_id", "form_year", "province", "city", "county", "town", "admin_village", "admin_village_code", "head_name", "head_id_number",
  "members_live", "size_begin", "size_end", "entered_by", "checked_by", "entered_on", "photos", "head_signature", "collector_signatures",
  "person_id", "member_state", "change_kind", "change_reason", "change_date", "change_proof",
]);
const NOT_AT_DESK = new Set(["image", "signature"]);
export const VISIT = "visit";
const REGISTRY = "registry";

export function isShown(field: FieldState): boolean {
  if (ELSEWHERE.has(field.name) || NOT_AT_DESK.has(field.indicator.type) || field.indicator.retired) return false;
  if (field.indicator.home === "typed" || field.indicator.home === "spell") return false;
  // The value printed on paper beside our own sum: shown only where one was imported, to be compared.
  if (field.name.endsWith("_stated")) return field.value !== undefined && field.value !== null;
  return true;
}

export function shownFields(section: SectionState): FieldState[] {
  return section.fields.filter(isShown);
}

/** May the cursor stop here on its way from first field to last? */
export function isStop(field: FieldState): boolean {
  return isShown(field) && field.relevant && field.editable && !field.computed;
}

export function householdForm(state: HouseholdState): FormState | undefined {
  return state.forms.find((form) => form.target === HOUSEHOLD);
}

export function memberForms(state: HouseholdState): FormState[] {
  return state.forms.filter((form) => form.person !== null);
}

/** Sections of the household's paper in its order. */
export function paperSections(state: HouseholdState): SectionState[] {
  return householdForm(state)?.sections.filter((section) => section.key !== VISIT && section.key !== REGISTRY && shownFields(section).length > 0) ?? [];
}

/** File items that are not on the paper: at the end, folded. */
export function registrySection(state: HouseholdState): SectionState | undefined {
  return householdForm(state)?.sections.find((section) => section.key === REGISTRY);
}

export function visitSection(state: HouseholdState): SectionState | undefined {
  return householdForm(state)?.sections.find((section) => section.key === VISIT);
}

/**
 * One section key does this: "unchanged" where there is a last year to say it of, "the rest: none" for what is asked anew each year. The state of a
 * new household is neither: "no safe water" must be said item by item.
 */
export function sectionKeyMeans(section: SectionState): "tick" | "empty" | "nothing" {
  if (section.kind === "period") return "empty";
  return section.tickable && section.fields.some((field) => field.last !== undefined) ? "tick" : "nothing";
}

const COUNTED = new Set(["money", "area_mu", "decimal", "int"]);

/**
 * "The rest: none" of a section, said by a person: numbers 0 and yes-or-no items no, as the notice wants it (没有的要填 0). So are the parts of a
 * sum, which follows them from then on, unless a person typed the sum and it is not what its parts add up to: the work-sheet is not compulsory,
 * and "none" would be said of what makes up the sum. What is left out here is left empty by the engine.
 */
export function restIsNone(section: SectionState, sums: SumTree): { name: string; value: Value }[] {
  const fields = new Map(section.fields.map((field) => [field.name, field]));
  const isOpen = (field: FieldState): boolean => isStop(field) && field.value === undefined && !field.carried;
  /** How an item stands once the rest is none. */
  const number = (name: string): number => {
    const value = fields.get(name)?.value;
    return typeof value === "number" ? value : value === undefined ? ofParts(name) : 0;
  };
  const ofParts = (name: string): number => (sums.parts.get(name) ?? []).reduce((sum, part) => sum + number(part), 0);
  const isBrokenDown = (sum: FieldState | undefined): boolean =>
    !sum || sum.computed || typeof sum.value !== "number" || sum.value === ofParts(sum.name);
  return section.fields.filter(isOpen).flatMap(({ name, indicator }): { name: string; value: Value }[] => {
    if (indicator.type === "bool") return [{ name, value: false }];
    if (!COUNTED.has(indicator.type) || !isBrokenDown(fields.get(sums.parent.get(name) ?? ""))) return [];
    return [{ name, value: ofParts(name) }];
  });
}

/** Sections that still stand on last year's values nobody has confirmed: submitting would say "left empty" of what was merely forgotten. */
export function unconfirmed(state: HouseholdState): { form: FormState; section: SectionState; first: FieldState }[] {
  const found: { form: FormState; section: SectionState; first: FieldState }[] = [];
  for (const form of state.forms) {
    if (form.person && !form.person.live) continue;
    for (const section of form.sections) {
      const first = section.fields.find((field) => field.carried && isStop(field));
      if (first && section.ticked === null) found.push({ form, section, first });
    }
  }
  return found;
}
