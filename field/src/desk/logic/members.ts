/** A member's tab: its id, and how the member is named on it. */

import type { PersonState, Target } from "../../engine";
import { say } from "../../words";

export function stateOfMember(person: PersonState): string {
  if (!person.live) return say.member.leftBecause(person.changeReason);
  const age = person.age === null ? "" : say.member.age(person.age);
  return [person.head ? say.member.head : person.relation || say.member.noRelation, say.member.sex(person.sex), age, person.arriving ? say.member.arriving : ""].filter(Boolean).join(" ");
}

/** Element id of a member's tab. */
export function tabId(member: Target): string {
  return `tab-${member}`;
}
