/** Keys of the desk. F keys and letters with Alt stand side by side: some laptops keep F keys for brightness and sound. */

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

/** What the help says, in the order of use; `bar`: the shorter words at the foot of the page. */
export const KEYS: readonly { keys: string; words: string; bar?: string; barKeys?: string }[] = [
  { keys: "Enter", words: "下一项", bar: "下一项" },
  { keys: "Shift+Enter", words: "上一项", bar: "上一项" },
  { keys: "F8 或 Alt+W", words: "本节无变化（收入、务工等：本节其余没有），转到下一节", bar: "本节无变化", barKeys: "F8" },
  { keys: "Shift+F8 或 Alt+Q", words: "这位成员整张表无变化，转到下一位", bar: "成员整表无变化", barKeys: "Shift+F8" },
  { keys: "F9 或 Alt+J", words: "跳到下一节（不勾选）", bar: "下一节", barKeys: "F9" },
  { keys: "Shift+F9 或 Alt+K", words: "回到上一节" },
  { keys: "F2 或 Alt+G", words: "按表上的编号跳到一项（如 31、M23）", bar: "按编号跳", barKeys: "F2" },
  { keys: "Alt+1 … Alt+9", words: "跳到页面上方带数字的部分" },
  { keys: "F4 或 Alt+P", words: "跳到下一处问题", bar: "下一处问题", barKeys: "F4" },
  { keys: "Alt+N", words: "新增成员" },
  { keys: "Alt+M", words: "这位成员减少（死亡、嫁出等）" },
  { keys: "Alt+U", words: "这位成员改为户主" },
  { keys: "↓ ↑", words: "在清单里选择；在填数字的格里是下一项、上一项" },
  { keys: "Esc", words: "放弃正在输入的内容" },
  { keys: "Ctrl+S", words: "立即保存（平时自动保存）", bar: "保存" },
  { keys: "Ctrl+Enter", words: "提交审核", bar: "提交" },
  { keys: "Alt+PageDown", words: "下一户", bar: "下一户" },
  { keys: "Alt+PageUp", words: "上一户" },
  { keys: "F1", words: "显示这张说明", bar: "键盘说明" },
];
