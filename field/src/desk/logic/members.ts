/** How a member is named on a tab. */

import type { PersonState } from "../../engine";
import { say } from "../../words";

export function stateOfMember(person: PersonState): string {
  if (!person.live) return say.member.leftBecause(person.changeReason);
  const age = person.age === null ? "" : say.member.age(person.age);
  return [person.head ? say.member.head : person.relation || say.member.noRelation, say.member.sex(person.sex), age, person.arriving ? say.member.arriving : ""].filter(Boolean).join(" ");
}
