/** Values of lists: one, several, yes and no. */

import type { FieldState, ListItem, Value } from "../../engine";

export function choiceOf(field: FieldState, option: ListItem): Value {
  return field.indicator.type === "bool" ? option.code === "1" : option.code;
}

/** What the field shows now: this year's, else last year's carried over. */
function standing(field: FieldState): Value | undefined {
  return field.value === undefined && field.carried ? field.last : field.value;
}

export function isChosen(field: FieldState, option: ListItem): boolean {
  const value = standing(field);
  if (Array.isArray(value)) return value.includes(option.code);
  return value === choiceOf(field, option);
}

/** A multi-select with one value taken in or out: sorted, null when nothing is left. */
export function toggled(field: FieldState, code: string): string[] | null {
  const value = standing(field);
  const codes = new Set(Array.isArray(value) ? value : []);
  if (!codes.delete(code)) codes.add(code);
  return codes.size ? [...codes].sort() : null;
}
