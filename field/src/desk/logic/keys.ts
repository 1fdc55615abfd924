/** Keys of the desk. F keys and letters with Alt stand side by side: some laptops keep F keys for brightness and sound. */

import { say } from "../../words";

export type Action =
  | "next" | "previous" | "section" | "member" | "next_section" | "previous_section" | "save" | "submit" | "next_household" | "previous_household"
  | "find" | "arrive" | "leave" | "head" | "problem" | "help" | { jump: number };

export interface Key {
  key: string;
  code: string;
  shift: boolean;
  ctrl: boolean;
  alt: boolean;
  /** An input method is putting a word together: the key is its own. */
  composing: boolean;
}

const ALT_CODES: Readonly<Record<string, Action>> = {
  KeyW: "section",
  KeyQ: "member",
  KeyJ: "next_section",
  KeyK: "previous_section",
  KeyG: "find",
  KeyN: "arrive",
  KeyM: "leave",
  KeyU: "head",
  KeyP: "problem",
  PageDown: "next_household",
  PageUp: "previous_household",
};

export function actionOf(key: Key): Action | null {
  if (key.composing) return null;
  if (key.ctrl && !key.alt) {
    if (key.key.toLowerCase() === "s") return "save";
    return key.key === "Enter" ? "submit" : null;
  }
  if (key.alt && !key.ctrl) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(key.code);
    return digit ? { jump: Number(digit[1]) } : (ALT_CODES[key.code] ?? null);
  }
  if (key.ctrl || key.alt) return null;
  switch (key.key) {
    case "Enter":
      return key.shift ? "previous" : "next";
    case "F1":
      return "help";
    case "F2":
      return "find";
    case "F4":
      return "problem";
    case "F8":
      return key.shift ? "member" : "section";
    case "F9":
      return key.shift ? "previous_section" : "next_section";
    default:
      return null;
  }
}

export interface KeyRow {
  keys: string;
  words: string;
  /** The shorter words at the foot of the page, and the one key shown there. */
  bar?: string;
  barKeys?: string;
}

/** What the help says, in the order of use. */
export function keyRows(): readonly KeyRow[] {
  const { keys } = say;
  return [
    { keys: "Enter", words: keys.next, bar: keys.next },
    { keys: "Shift+Enter", words: keys.previous, bar: keys.previous },
    { keys: keys.or("F8", "Alt+W"), words: keys.section, bar: keys.sectionShort, barKeys: "F8" },
    { keys: keys.or("Shift+F8", "Alt+Q"), words: keys.member, bar: keys.memberShort, barKeys: "Shift+F8" },
    { keys: keys.or("F9", "Alt+J"), words: keys.nextSection, bar: keys.nextSectionShort, barKeys: "F9" },
    { keys: keys.or("Shift+F9", "Alt+K"), words: keys.previousSection },
    { keys: keys.or("F2", "Alt+G"), words: keys.find, bar: keys.findShort, barKeys: "F2" },
    { keys: "Alt+1 … Alt+9", words: keys.jump },
    { keys: keys.or("F4", "Alt+P"), words: keys.problem, bar: keys.problemShort, barKeys: "F4" },
    { keys: "Alt+N", words: keys.arrive },
    { keys: "Alt+M", words: keys.leave },
    { keys: "Alt+U", words: keys.head },
    { keys: "↓ ↑", words: keys.arrows },
    { keys: "Esc", words: keys.escape },
    { keys: "Ctrl+S", words: keys.save, bar: keys.saveShort },
    { keys: "Ctrl+Enter", words: keys.submit, bar: keys.submitShort },
    { keys: "Alt+PageDown", words: keys.nextHousehold, bar: keys.nextHousehold },
    { keys: "Alt+PageUp", words: keys.previousHousehold },
    { keys: "F1", words: keys.help, bar: keys.helpShort },
  ];
}
