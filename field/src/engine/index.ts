/**
 * The form engine's public face. Screens use a `Session` (../journal), which journals what is typed before the engine shows it as
 * waiting; the engine itself never touches DOM, network or storage.
 */

export { checkValue, decimalText, display, inputText, isListed, itemsOf, normaliseNumberText, normaliseText, parseDate, parseText, search, sameValue } from "./codec";
export { impossible } from "./identity";
export { draft, fail, keyOf, mendArrival, perform, together, undo, withdraw, withdrawPerson, type Change, type Entries, type Entry, type Made } from "./entries";
export { itemsNamed, itemsOfRule } from "./findings";
export { carries, formOf, headName, indicatorOf, modelOf, versionsOf } from "./model";
export { editable, isAsked } from "./shown";
export { HouseholdStore } from "./store";
export * from "./types";
