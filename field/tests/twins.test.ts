/** Twins of Python code, held to the same cases: facts of numbers (privacy/facts.py) and the codec (pack/codec.py). */

import { describe, expect, it } from "vitest";
import codec from "../../tests/conformance/codec.json";
import facts from "../../tests/conformance/facts.json";
import { checkValue, display, type Indicator, impossible, type IndicatorType, type PackBundle, parseText, search, type Value } from "../src/engine";
import { fromEngine, toEngine } from "../src/engine/codec";
import { bankLuhnOk, cardFacts, identityFacts } from "../src/privacy/facts";

const pack = {
  lists: { relation: codec.list.map((item) => ({ ...item, key: "" })) },
  synonyms: { relation: Object.fromEntries(codec.synonyms.map(({ word, code }) => [word, code])) },
} as unknown as PackBundle;

interface Case {
  type: string;
  name: string;
  scale: number;
  multi: boolean;
  home?: string;
}

function indicator(one: Case): Indicator {
  return { home: "record", list: "relation", zh: "项目", ...one } as unknown as Indicator;
}

describe("facts of numbers", () => {
  for (const one of facts.identity) {
    it(`identity ${one.number}`, () => {
      expect(identityFacts(one.number, one.known_regions ? new Set(one.known_regions) : null)).toEqual(one.expected);
    });
  }
  for (const one of facts.impossible) {
    it(`of a card: ${one.number} ${one.id_type}`, () => expect(impossible(one.number, one.id_type)).toBe(one.expected));
  }
  for (const one of facts.card) {
    it(`card ${one.card}`, () => expect(cardFacts(one.card, one.id_number)).toEqual(one.expected));
  }
  for (const one of facts.bank) {
    it(`bank ${one.number}`, () => expect(bankLuhnOk(one.number)).toBe(one.expected));
  }
});

describe("codec", () => {
  for (const one of codec.parse as (Case & { text: string; value?: Value; fault?: string })[]) {
    it(`reads ${one.type} ${JSON.stringify(one.text.slice(0, 20))}`, () => {
      expect(parseText(pack, indicator(one), one.text)).toEqual(one.fault === undefined ? { value: one.value } : { fault: one.fault });
    });
  }
  for (const one of codec.check as (Case & { value: Value; fault: string | null })[]) {
    it(`checks ${one.type} ${JSON.stringify(one.value)?.slice(0, 30)}`, () => {
      expect(checkValue(pack, indicator(one), one.value)).toBe(one.fault);
    });
  }
  for (const one of codec.display as (Case & { value: Value; words: string })[]) {
    it(`shows ${one.type} ${JSON.stringify(one.value)}`, () => expect(display(pack, indicator(one), one.value)).toBe(one.words));
  }
  for (const one of codec.engine as { type: IndicatorType; value: Value; engine: Value; back: Value }[]) {
    it(`gives engines ${one.type} ${JSON.stringify(one.value)}`, () => {
      expect(toEngine(one.type, one.value)).toBe(one.engine);
      expect(fromEngine(one.type, one.engine)).toBe(one.back);
    });
  }
});

describe("lists", () => {
  const items = [
    { code: "01", zh: "农村低保", key: "ncdb" },
    { code: "02", zh: "城市低保", key: "csdb" },
    { code: "03", zh: "未享受", key: "wxs" },
  ];
  it("are searched by first letters, word and code", () => {
    expect(search(items, "wx").map((item) => item.code)).toEqual(["03"]);
    expect(search(items, "低保").map((item) => item.code)).toEqual(["01", "02"]);
    expect(search(items, "０２").map((item) => item.code)).toEqual(["02"]);
    expect(search(items, "CS").map((item) => item.code)).toEqual(["02"]);
    expect(search(items, "").length).toBe(3);
    expect(search(items, "zz")).toEqual([]);
  });
  it("take first letters typed in full where only one entry has them", () => {
    const own = { lists: { relation: [...items, { code: "04", zh: "未学生", key: "wxs" }] } } as unknown as PackBundle;
    const code = indicator({ type: "code", name: "x", scale: 0, multi: false });
    expect(parseText(own, code, "csdb")).toEqual({ value: "02" });
    expect(parseText(own, code, "wxs")).toEqual({ fault: "“wxs”有几个选项：未享受、未学生，请选一个" });
  });
});
