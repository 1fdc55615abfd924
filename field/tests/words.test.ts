/** What the screens say has one home, and English is complete. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

import { display, parseText, search } from "../src/engine";
import { type PackBundle, HOUSEHOLD, type Indicator } from "../src/engine/types";
import { countWords } from "../src/desk/logic/problems";
import { savingWords, stateWords } from "../src/desk/logic/words";
import { keyRows } from "../src/desk/logic/keys";
import { named, say, speak } from "../src/words";
import { en } from "../src/words/en";
import { zh } from "../src/words/zh";

const SOURCES = join(import.meta.dirname, "../src");
const CHINESE = /[\p{Script=Han}\u3001-\u303f\uff01-\uff5e]/u;
/** Lines that read Chinese instead of saying it, and the signs of full width that numbers may be typed in. */
const READS: Readonly<Record<string, readonly string[]>> = {
  "expressions/patterns.ts": ["const PLACEHOLDER = "],
  "engine/codec.ts": [".replace(/[！-～]/g"],
  "desk/logic/arithmetic.ts": [".replace(/[０-９．＋－＊]/g"],
};
const HOMES = new Set(["words/zh.ts", "words/en.ts", "words/typed.ts"]);

/** Comments blanked, lines kept. */
function code(source: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ");
  return source.replace(/<!--[\s\S]*?-->|\/\*[\s\S]*?\*\//g, blank).replace(/(^|\s)\/\/.*$/gm, blank);
}

function chineseIn(name: string, source: string): string[] {
  return code(source)
    .split("\n")
    .flatMap((line, at) => (CHINESE.test(line) && !READS[name]?.some((start) => line.includes(start)) ? [`${name}:${at + 1}: ${line.trim()}`] : []));
}

/** Every text and function of a catalogue, by its key. */
function leaves(node: object, path = ""): [string, unknown][] {
  return Object.entries(node).flatMap(([key, value]): [string, unknown][] =>
    typeof value === "object" && value !== null ? leaves(value, `${path}${key}.`) : [[path + key, value]],
  );
}

afterEach(() => speak("zh-hans"));

describe("words", () => {
  it("stand in their catalogue and nowhere else", () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.(ts|vue|css|scss)$/.test(name) && !HOMES.has(name));
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((name) => chineseIn(name, readFileSync(join(SOURCES, name), "utf8")))).toEqual([]);
  });

  it("are found where they stand past the catalogue", () => {
    expect(chineseIn("a.vue", '<p title="说明">x</p>')).toHaveLength(1);
    expect(chineseIn("a.vue", "<p>a：b</p>")).toHaveLength(1);
    expect(chineseIn("a.ts", '/** 户 */\nconst a = "b"; // 户\n')).toEqual([]);
    expect(chineseIn("expressions/patterns.ts", 'const other = "测试";')).toHaveLength(1);
  });

  it("are all said in English, with what the Chinese fills in", () => {
    const english = new Map(leaves(en));
    for (const [key, words] of leaves(zh)) {
      const said = english.get(key);
      expect(typeof said, key).toBe(typeof words);
      if (typeof said === "string") expect(said.replace("汉族", "").replace("未取名", ""), key).not.toMatch(/\p{Script=Han}/u);
      if (typeof said !== "function" || typeof words !== "function") continue;
      // A text, a list or a number: whatever the function takes, the English shows what the Chinese shows.
      const given = ["⟨1⟩", "⟨2⟩", "⟨3⟩"].slice(0, words.length).map((one) => Object.assign([one], { replace: () => one }));
      const filled = (fill: unknown): string => (fill as (...a: unknown[]) => string)(...given);
      const [chinese, other] = [filled(words), filled(said)];
      for (const one of given) if (chinese.includes(String(one))) expect(other, key).toContain(String(one));
      expect(other.replace("未取名", ""), key).not.toMatch(/\p{Script=Han}/u);
    }
  });

  it("follow the language of the page, Chinese where it is unknown", () => {
    speak("en-GB");
    expect(say).toBe(en);
    expect(countWords({ bad: 1, warn: 0, clue: 2 })).toBe("1 to correct, 2 clues to verify");
    expect(stateWords("draft").words).toBe("being collected");
    expect(savingWords({ phase: "sending", message: "", retryAt: null, unsent: 1, unsentElsewhere: 0, savedAt: null, durable: true }).words).toBe("Saving 1 item…");
    expect(keyRows().every((row) => !/\p{Script=Han}/u.test(row.words + row.keys))).toBe(true);
    speak("fr");
    expect(say).toBe(zh);
  });
});

describe("the pack's words", () => {
  const pack = {
    lists: { sex: [{ code: "1", zh: "男性", en: "male", key: "nx" }, { code: "2", zh: "女性", en: "female", key: "nx" }] },
    indicators: {},
  } as unknown as PackBundle;
  const sex = { form: "person_year", name: "sex", zh: "性别", en: "Sex", type: "code", list: "sex", multi: false, home: "record" } as unknown as Indicator;

  it("are shown in the language of the page and read in both", () => {
    speak("en");
    expect(named(sex)).toBe("Sex");
    expect(display(pack, sex, "2")).toBe("female");
    for (const typed of ["female", "女性", "2"]) expect(parseText(pack, sex, typed)).toEqual({ value: "2" });
    expect(search(pack.lists["sex"] ?? [], "fem").map(({ code: one }) => one)).toEqual(["2"]);
    expect(search(pack.lists["sex"] ?? [], "女").map(({ code: one }) => one)).toEqual(["2"]);
    expect(parseText(pack, sex, "nobody knows")).toEqual({ fault: "“nobody knows” is not in the list, please choose: male, female" });
    speak("zh-hans");
    expect(named(sex)).toBe("性别");
    expect(display(pack, sex, "2")).toBe("女性");
  });

  it("fall back to Chinese where the pack has no English", () => {
    speak("en");
    expect(named({ zh: "户主" })).toBe("户主");
    expect(HOUSEHOLD).toBe("household");
  });
});
