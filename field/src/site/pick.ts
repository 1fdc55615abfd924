/** A word out of a list by typing: part of the word, its first letters in pinyin, or its code. */

import { DAY_OR_MONTH, WIDE_DIGITS } from "../words/typed";

export interface Option {
  readonly code: string;
  readonly word: string;
  readonly letters: string;
}

/** What the typed text may mean, the likeliest first: the word itself, then what begins with it, then what holds it. All where nothing is typed. */
export function found(options: readonly Option[], typed: string): Option[] {
  const text = typed.trim().toLowerCase();
  if (!text) return [...options];
  const rank = (option: Option): number => {
    const word = option.word.toLowerCase();
    if (word === text || option.code === text || option.letters === text) return 0;
    if (word.startsWith(text) || option.letters.startsWith(text)) return 1;
    return word.includes(text) || option.letters.includes(text) ? 2 : 3;
  };
  return options
    .map((option, place) => ({ option, place, rank: rank(option) }))
    .filter((one) => one.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map((one) => one.option);
}

/** Those that the answer above leaves: measures of the chosen class. All where nothing is answered there, or none fits. */
export function under(options: readonly Option[], above: readonly string[]): readonly Option[] {
  const left = options.filter((option) => above.some((code) => code && option.code.startsWith(code)));
  return left.length > 0 ? left : options;
}

/** 20210930, 2021.9.30, 2021年9月30日 → 2021-09-30; 202109 → 2021-09 where a month is asked. What is none of it stays as typed. */
export function dayText(typed: string, kind: "date" | "month"): string {
  const text = typed.trim().replace(WIDE_DIGITS, (digit) => String(digit.charCodeAt(0) - 0xff10));
  const parts = DAY_OR_MONTH.exec(text) ?? /^(\d{4})(\d{2})(\d{2})?$/.exec(text);
  if (!parts) return typed.trim();
  const [, year, month, day] = parts as unknown as [string, string, string, string | undefined];
  if (kind === "month") return `${year}-${month.padStart(2, "0")}`;
  return day ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}` : typed.trim();
}
