/** Text typed ↔ value in codec form ↔ words ↔ what expressions see: twin of fangfanpin/pack/codec.py, with the same messages. */

import type { Held } from "../expressions/nodes";
import { daysInMonth } from "../privacy/facts";
import { named, say } from "../words";
import { AMOUNT_SUFFIXES, DATE, MONTH, NO, SEPARATORS, YEAR, YEAR_SUFFIX, YES } from "../words/typed";
import { nearest } from "./nearest";
import type { Indicator, IndicatorType, ListItem, PackBundle, Value } from "./types";

const MAX = 10 ** 13; // fen: a thousand million yuan is a typing error
const MAX_TEXT = 500;
const MAX_ADDRESS = 255;
const BLANKS = " \t\r\n\u00a0\u3000\ufeff";
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const MAY_BE_NEGATIVE = ["net_", "per_capita", "reference", "id_net", "id_per", "el_net", "el_per", "total_"];

/** Yes and no in the words of the page. */
function boolItems(): ListItem[] {
  return [
    { code: "1", zh: say.values.yes, key: say.values.yesKey },
    { code: "0", zh: say.values.no, key: say.values.noKey },
  ];
}

export type Parsed = { value: Value } | { fault: string };

function strip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && BLANKS.includes(text.charAt(start))) start += 1;
  while (end > start && BLANKS.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** NFC, trimmed (U+3000 included); "" for nothing. */
export function normaliseText(text: string): string {
  return strip(text.normalize("NFC"));
}

/** For numbers and codes also full-width digits, Latin letters and signs to ASCII. */
export function normaliseNumberText(text: string): string {
  const narrow = normaliseText(text).replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
  return strip(narrow);
}

interface Words {
  items: ListItem[];
  byCode: Map<string, ListItem>;
  codes: Map<string, string>;
}
const cache = new WeakMap<PackBundle, Map<string, Words>>();

function wordsOf(pack: PackBundle, list: string): Words {
  let lists = cache.get(pack);
  if (!lists) cache.set(pack, (lists = new Map()));
  let known = lists.get(list);
  if (!known) {
    const items = pack.lists[list] ?? [];
    const codes = new Map<string, string>();
    for (const item of items) codes.set(item.zh, item.code);
    for (const item of items) if (item.en && !codes.has(item.en)) codes.set(item.en, item.code);
    for (const item of items) codes.set(item.code, item.code);
    for (const [word, code] of Object.entries(pack.synonyms?.[list] ?? {})) if (!codes.has(word)) codes.set(word, code);
    known = { items, byCode: new Map(items.map((item) => [item.code, item])), codes };
    lists.set(list, known);
  }
  return known;
}

/** Is the value chosen from a list? */
export function isListed(indicator: Pick<Indicator, "type" | "list">): boolean {
  return indicator.type === "bool" || indicator.type === "code" || (indicator.type === "ref" && indicator.list !== "");
}

/** Entries to choose from: those of the list, or yes and no. */
export function itemsOf(pack: PackBundle, indicator: Pick<Indicator, "type" | "list">): ListItem[] {
  return indicator.type === "bool" ? boolItems() : wordsOf(pack, indicator.list).items;
}

/** Of the country's divisions nobody looks through more. */
const MOST_FOUND = 100;

/** Entries for what was typed, best first: by code, first letters, beginning of the word, any part of it. */
export function search(items: ListItem[], typed: string): ListItem[] {
  const plain = normaliseNumberText(typed);
  if (!plain) return items.slice(0, MOST_FOUND);
  const letters = plain.toLowerCase();
  const place = (item: ListItem): number => {
    if (item.code === plain || item.zh === plain || named(item).toLowerCase() === letters) return 0;
    const key = item.key.toLowerCase();
    if (key === letters) return 1;
    if (key.startsWith(letters)) return 2;
    const word = named(item).toLowerCase();
    if (word.startsWith(letters) || item.zh.startsWith(plain)) return 3;
    if (item.code.startsWith(plain)) return 4;
    if (word.includes(letters) || item.zh.includes(plain)) return 5;
    return key.includes(letters) ? 6 : 9;
  };
  return items
    .map((item, index) => ({ item, index, rank: place(item) }))
    .filter(({ rank }) => rank < 9)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, MOST_FOUND)
    .map(({ item }) => item);
}

/** What is wrong with a value in codec form, in words; null where it is right. */
export function checkValue(pack: PackBundle, indicator: Indicator, value: Value): string | null {
  if (value === null) return null;
  const item = named(indicator);
  const { values } = say;
  switch (indicator.type) {
    case "money":
    case "area_mu":
    case "decimal":
    case "int":
    case "year":
      if (typeof value !== "number" || !Number.isInteger(value)) return values.number(item);
      if (Math.abs(value) >= MAX) return values.tooLarge(item);
      if (value < 0 && indicator.home !== "computed") return values.negative(item);
      if (indicator.type === "year" && !(value >= 1900 && value <= 2100)) return values.year(item);
      return null;
    case "bool":
      return typeof value === "boolean" ? null : values.yesOrNo(item);
    case "code": {
      const codes = indicator.multi ? value : [value];
      if (!Array.isArray(codes) || !codes.every((code) => typeof code === "string")) return values.fromList(item);
      const known = wordsOf(pack, indicator.list).byCode;
      const unknown = (codes as string[]).find((code) => !known.has(code));
      if (unknown !== undefined) return values.notOfList(item, unknown);
      if (indicator.multi && (codes as string[]).some((code, i) => i > 0 && !((codes[i - 1] as string) < code))) {
        return values.unsorted(item);
      }
      return null;
    }
    case "date":
      return typeof value === "string" && isDate(value) ? null : values.day(item);
    case "month":
      return typeof value === "string" && /^(?:\d{4}-(?:0[1-9]|1[0-2])|\d{4})$/.test(value) ? null : values.month(item);
    default: {
      if (typeof value !== "string") return values.text(item);
      const length = [...value].length;
      if (length > (indicator.name.endsWith("address") ? MAX_ADDRESS : MAX_TEXT)) return values.tooLong(item);
      if (CONTROL.test(value)) return values.control(item);
      if (indicator.type === "secret_number" && !/^[0-9A-Z]{1,30}$/.test(value)) return values.digitsOnly(item);
      const limit = indicator.max_length;
      if (limit && length > limit) return values.longest(item, limit);
      return null;
    }
  }
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const day = Number(match[3]);
  return day >= 1 && day <= daysInMonth(Number(match[1]), Number(match[2]));
}

/** The text of an input as a value; nothing typed is null. */
export function parseText(pack: PackBundle, indicator: Indicator, text: string): Parsed {
  const plain = normaliseText(text);
  if (!plain) return { value: null };
  if (CONTROL.test(plain)) return { fault: say.typed.control };
  switch (indicator.type) {
    case "money":
    case "area_mu":
    case "decimal":
      return scaled(indicator, plain);
    case "int":
    case "year":
      return whole(indicator, plain);
    case "bool":
      if (YES.has(normaliseNumberText(plain))) return { value: true };
      if (NO.has(normaliseNumberText(plain))) return { value: false };
      return { fault: say.typed.yesOrNo(plain) };
    case "code":
      return codes(pack, indicator, plain);
    case "ref":
      return indicator.list ? place(pack, indicator.list, plain) : longEnough(indicator, { value: plain });
    case "date":
      return parseDate(plain);
    case "month":
      return parseMonth(plain);
    case "secret_number":
      return longEnough(indicator, secretNumber(plain));
    case "phone": {
      const digits = normaliseNumberText(plain).replaceAll(" ", "");
      if (/^\d(?:\.\d+)?[eE]\+\d+$/.test(digits)) {
        return { fault: say.typed.phoneSpoilt };
      }
      return { value: digits };
    }
    default: {
      const length = [...plain].length;
      if (length > MAX_TEXT) return { fault: say.typed.tooLong(length) };
      return longEnough(indicator, { value: plain });
    }
  }
}

function longEnough(indicator: Indicator, parsed: Parsed): Parsed {
  const limit = indicator.max_length ?? (indicator.name.endsWith("address") ? MAX_ADDRESS : null);
  if (!("value" in parsed) || typeof parsed.value !== "string" || !limit || [...parsed.value].length <= limit) return parsed;
  return { fault: say.values.longest(named(indicator), limit) };
}

function withoutSuffix(text: string, suffix: string): string {
  return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
}

function scaled(indicator: Indicator, plain: string): Parsed {
  const digits = strip(AMOUNT_SUFFIXES.reduce(withoutSuffix, normaliseNumberText(plain).replaceAll(",", "")));
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(digits);
  const [, sign = "", before = "", after = "", power = "0"] = match ?? [];
  if (!match || before.length + after.length === 0) return { fault: say.typed.notNumber(plain) };
  const mantissa = BigInt(before + after);
  const shift = Number(power) - after.length + indicator.scale; // held value = mantissa · 10^shift
  const size = (before + after).replace(/^0+/, "").length;
  if (mantissa !== 0n && size + shift > 14) return { fault: say.typed.tooLarge(plain) };
  const [top, bottom] = shift >= 0 ? [mantissa * 10n ** BigInt(mantissa === 0n ? 0 : shift), 1n] : [mantissa, 10n ** BigInt(Math.min(-shift, 400))];
  if (top >= BigInt(MAX) * bottom) return { fault: say.typed.tooLarge(plain) };
  if (sign === "-" && mantissa !== 0n && !MAY_BE_NEGATIVE.some((start) => indicator.name.startsWith(start))) {
    return { fault: say.typed.negative };
  }
  const below = top / bottom;
  const rest = top % bottom;
  const up = rest * 2n > bottom || (rest * 2n === bottom && below % 2n === 1n);
  const rounded = up ? below + 1n : below;
  const gap = top - rounded * bottom;
  // A binary spreadsheet number such as 1234.5600000000001 means 1234.56.
  if ((gap < 0n ? -gap : gap) * 10000n > bottom) return { fault: say.typed.decimals(indicator.scale) };
  return { value: sign === "-" && rounded !== 0n ? -Number(rounded) : Number(rounded) };
}

function whole(indicator: Indicator, plain: string): Parsed {
  const digits = withoutSuffix(withoutSuffix(normaliseNumberText(plain).replaceAll(",", ""), YEAR_SUFFIX), ".0");
  if (!/^-?\d{1,12}$/.test(digits)) return { fault: say.typed.notWhole(plain) };
  const value = Number(digits);
  if (value < 0) return { fault: say.typed.negative };
  if (indicator.type === "year" && !(value >= 1900 && value <= 2100)) return { fault: say.typed.notYear(plain) };
  return { value: value + 0 };
}

function codes(pack: PackBundle, indicator: Indicator, plain: string): Parsed {
  if (!indicator.multi) return code(pack, indicator.list, plain);
  const found = new Set<string>();
  for (const part of plain.split(SEPARATORS)) {
    if (!strip(part)) continue;
    const one = code(pack, indicator.list, strip(part));
    if ("fault" in one) return one;
    found.add(one.value as string);
  }
  return { value: [...found].sort() };
}

function code(pack: PackBundle, list: string, word: string): Parsed {
  const words = wordsOf(pack, list);
  const plain = normaliseNumberText(word);
  const known = words.codes.get(word) ?? words.codes.get(plain);
  if (known !== undefined) return { value: known };
  if (/^\d+$/.test(plain)) {
    const lost = words.byCode.get(plain.padStart(2, "0"));
    if (lost !== undefined) return { fault: say.typed.zeroLost(plain, named(lost)) };
  }
  // At the desk also by first letters, where only one entry has them.
  const letters = plain.toLowerCase();
  const byKey = words.items.filter((item) => item.key.toLowerCase() === letters);
  if (byKey.length === 1 && byKey[0]) return { value: byKey[0].code };
  if (byKey.length > 1) return { fault: say.typed.several(word, byKey.map(named)) };
  const near = nearest(word, words.items.map(named));
  return { fault: near ? say.typed.isIt(word, near) : say.typed.chooseFrom(word, words.items.slice(0, 8).map(named)) };
}

/** A division by its name, by first letters where only one has them, or by its code; a township's or village's code is one too. */
function place(pack: PackBundle, list: string, typed: string): Parsed {
  const words = wordsOf(pack, list);
  const plain = normaliseNumberText(typed);
  const known = words.codes.get(typed);
  if (known !== undefined) return { value: known };
  if (/^(?:\d{6}|\d{9}|\d{12}|\d{15})$/.test(plain)) return { value: plain };
  const found = search(words.items, typed);
  return found.length === 1 && found[0] ? { value: found[0].code } : { fault: say.typed.noPlace(typed) };
}

/** A day written in any of the usual forms. */
export function parseDate(plain: string): Parsed {
  const match = DATE.exec(normaliseNumberText(plain));
  if (!match) return { fault: say.typed.notDay(plain) };
  const [year, month, day] = (match[1] ? match.slice(1, 4) : match.slice(4, 7)).map(Number) as [number, number, number];
  if (day < 1 || day > daysInMonth(year, month)) return { fault: say.typed.noSuchDay(plain) };
  return { value: `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}` };
}

function parseMonth(plain: string): Parsed {
  const digits = normaliseNumberText(plain);
  if (YEAR.test(digits)) return { value: digits.slice(0, 4) };
  if (DATE.test(digits) && digits.length > 7) {
    const day = parseDate(plain);
    return "value" in day ? { value: (day.value as string).slice(0, 7) } : day;
  }
  const match = MONTH.exec(digits);
  if (!match) return { fault: say.typed.notMonth(plain) };
  const [year, month] = match[1] ? [match[1], match[2]] : [match[3], match[4]];
  if (!(Number(month) >= 1 && Number(month) <= 12)) return { fault: say.typed.noSuchMonth(plain) };
  return { value: `${year}-${pad(Number(month), 2)}` };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** An identity, card or bank number: kept as written but for width, blanks and lower case. */
function secretNumber(plain: string): Parsed {
  const digits = normaliseNumberText(plain).replaceAll(" ", "").replaceAll("'", "").toUpperCase();
  if (/^\d(?:\.\d+)?E\+\d+$/.test(digits) || /^\d+\.0$/.test(digits)) {
    return { fault: say.typed.numberSpoilt };
  }
  if (!/^[0-9A-Z]{1,30}$/.test(digits)) return { fault: say.typed.odd };
  return { value: digits };
}

/** A value in words; "" for nothing. */
export function display(pack: PackBundle, indicator: Pick<Indicator, "type" | "scale" | "list">, value: Value | undefined): string {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return "";
  switch (indicator.type) {
    case "money":
    case "area_mu":
    case "decimal":
      // What may not be seen comes as text.
      return typeof value === "number" ? decimalText(value, indicator.scale, indicator.type === "money") : String(value);
    case "bool":
      return typeof value === "boolean" ? (value ? say.values.yes : say.values.no) : String(value);
    case "code": {
      const { byCode } = wordsOf(pack, indicator.list);
      const word = (code: string): string => {
        const item = byCode.get(code);
        return item ? named(item) : code;
      };
      return (Array.isArray(value) ? value : [String(value)]).map(word).join(say.values.comma);
    }
    case "ref": {
      const { byCode } = wordsOf(pack, indicator.list);
      const item = byCode.get(String(value)) ?? byCode.get(String(value).slice(0, 6));
      return item ? named(item) : String(value);
    }
    case "image":
    case "signature":
      if (Array.isArray(value) || typeof value === "number") return say.values.pictures(Array.isArray(value) ? value.length : value);
      return String(value); // what may not be seen comes as text
    default:
      return Array.isArray(value) ? value.join(say.values.comma) : String(value);
  }
}

/** 1234567 at scale 2 → 12345.67; money keeps two decimals, others drop trailing zeros. */
export function decimalText(value: number, scale: number, money = false): string {
  const text = String(Math.abs(value)).padStart(scale + 1, "0");
  const whole = scale ? text.slice(0, -scale) : text;
  let part = scale ? text.slice(-scale) : "";
  if (!money) part = part.replace(/0+$/, "");
  return (value < 0 ? "-" : "") + whole + (part ? `.${part}` : "");
}

/** A value as it stands in an input: like `display`, whole yuan without decimals. */
export function inputText(pack: PackBundle, indicator: Indicator, value: Value | undefined): string {
  const text = display(pack, indicator, value);
  return indicator.type === "money" ? withoutSuffix(text, ".00") : text;
}

/** A value as expressions see it: dates and months as integers. */
export function toEngine(type: IndicatorType, value: Value | undefined): Held {
  if (value === null || value === undefined || value === "") return null;
  if (type === "date" && typeof value === "string") {
    return Number(value.slice(0, 4)) * 10000 + Number(value.slice(5, 7)) * 100 + Number(value.slice(8, 10));
  }
  if (type === "month" && typeof value === "string") {
    return Number(value.slice(0, 4)) * 12 + (value.length >= 7 ? Number(value.slice(5, 7)) - 1 : 0);
  }
  // Of pictures expressions see how many.
  if ((type === "image" || type === "signature") && Array.isArray(value)) return value.length || null;
  return value;
}

/** And back. */
export function fromEngine(type: IndicatorType, value: Held): Value {
  if (value === null) return null;
  if (type === "date" && typeof value === "number") {
    return `${pad(Math.floor(value / 10000), 4)}-${pad(Math.floor(value / 100) % 100, 2)}-${pad(value % 100, 2)}`;
  }
  if (type === "month" && typeof value === "number") return `${pad(Math.floor(value / 12), 4)}-${pad((value % 12) + 1, 2)}`;
  return Array.isArray(value) ? [...value].sort() : (value as Value);
}

/** Same value, multi-selects compared by content. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, index) => one === b[index]);
  return a === b;
}
