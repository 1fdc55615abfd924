/** Where the cursor goes next. */

import { nextTick } from "vue";

/** To the element of that id, once the page shows what has just changed. */
export function focusOn(id: string): void {
  void nextTick(() => document.getElementById(id)?.focus());
}

/** For a dialog: Enter leads along its boxes, with Shift back; on the last, the button that saves, it is a press. */
export function enterLeadsAlong(way: readonly string[]): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLElement)) return;
    const at = way.indexOf(event.target.id);
    if (at < 0 || at === way.length - 1) return;
    event.preventDefault();
    const next = way[at + (event.shiftKey ? -1 : 1)];
    if (next) focusOn(next);
  };
}
