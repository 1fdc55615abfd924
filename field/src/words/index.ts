/** The one home of what the screens say. `say` holds the words of the page's language; `speak` is called once, before anything is drawn. */

import { en } from "./en";
import { zh, type Words } from "./zh";

export type { Words } from "./zh";

export let say: Words = zh;

/** `language`: of `<html lang>`. What is not known is Chinese. */
export function speak(language: string): void {
  say = language.toLowerCase().startsWith("en") ? en : zh;
}

/** What the pack calls an item or an entry of a list. `en` comes with a bundle asked for in English, where the pack has it. */
export function named(thing: { zh: string; en?: string }): string {
  return (say === en && thing.en) || thing.zh;
}
