/** Identity numbers that no card can bear; twin of `impossible` in fangfanpin/records/identities.py. */

import { identityFacts } from "../privacy/facts";
import { say } from "../words";
import type { Value } from "./types";

const IDENTITY_CARD: ReadonlySet<string> = new Set(["", "01"]);
const CHECKED_TYPES: ReadonlySet<string> = new Set(["", "01", "09"]);
const DIGITS = /^(?:\d{15}|\d{17}[\dX].*)$/;

/**
 * Why no card of this type bears this number; null where one may. A placeholder (999999…) and other types of card stay possible, and so does a
 * wrong check character: such cards have been issued, so it is told and a person answers.
 */
export function impossible(number: Value | undefined, idType: Value | undefined): string | null {
  const type = String(idType ?? "");
  if (typeof number !== "string" || !number || !CHECKED_TYPES.has(type)) return null;
  const facts = identityFacts(number);
  if (facts.id_placeholder) return null;
  if (facts.id_form === "other") return IDENTITY_CARD.has(type) ? say.identity.length(number.length) : say.identity.cardLength(number.length);
  if (!DIGITS.test(number.toUpperCase())) return say.identity.characters;
  return facts.id_birth === null ? say.identity.birth : null;
}
