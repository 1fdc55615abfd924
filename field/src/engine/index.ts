/**
 * The form engine's public face. Screens use `HouseholdStore` through `journal/session.ts`, which journals what is typed before
 * the engine shows it as waiting; the engine itself is pure and never touches DOM, network or storage.
 */

export * from "./types";
