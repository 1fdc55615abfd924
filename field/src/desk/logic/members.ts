/** How a member is named on a tab. */

import type { PersonState } from "../../engine";

export function stateOfMember(person: PersonState): string {
  if (!person.live) return `已减少（${person.changeReason || "原因未填"}）`;
  const age = person.age === null ? "" : `${person.age} 岁`;
  return [person.head ? "户主" : person.relation || "关系未填", person.sex.replace("性", ""), age, person.arriving ? "新增" : ""].filter(Boolean).join(" ");
}
