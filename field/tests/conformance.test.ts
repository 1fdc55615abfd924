/** The specification tables of the rule language (tests/conformance/cases), the same for every engine. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { normaliseNumberText, normaliseText } from "../src/engine";
import { evaluate, NeedsPopulation } from "../src/expressions/evaluate";
import type { ExpressionNode, HouseholdScope, Scope } from "../src/expressions/nodes";

// tests/conformance/test_typescript.py points it at newly drawn cases.
const CASES = process.env.CONFORMANCE_CASES ?? join(import.meta.dirname, "../../tests/conformance/cases");

interface RowPair {
  row: Record<string, unknown>;
  last: Record<string, unknown> | null;
}
interface Case {
  id: string;
  text: string;
  node: ExpressionNode;
  scope: RowPair & {
    household: RowPair & { relations: Record<string, RowPair[]>; spell: { row: Record<string, unknown> } | null };
    consts: Record<string, unknown>;
  };
  expected: unknown;
}

/** In the tables a relation's rows leave out what they share with the scope around them. */
function scopeOf({ row, last, household, consts }: Case["scope"]): Scope {
  const whole = { ...household, relations: {} as Record<string, Scope[]> };
  for (const [name, rows] of Object.entries(household.relations)) {
    whole.relations[name] = rows.map((pair) => ({ ...pair, household: whole as HouseholdScope, consts }));
  }
  return { row, last, household: whole, consts };
}

const files = readdirSync(CASES).filter((name) => name.endsWith(".json"));
const read = (name: string): unknown[] => JSON.parse(readFileSync(join(CASES, name), "utf-8")) as unknown[];
const tables = files.filter((name) => name !== "entry.json" && name !== "sets.json");

it("finds the tables", () => {
  expect(tables.length).toBeGreaterThanOrEqual(8);
  expect(tables.reduce((sum, name) => sum + read(name).length, 0)).toBeGreaterThan(250);
  expect(files).toContain("entry.json");
  expect(files).toContain("sets.json");
});

for (const name of tables) {
  describe(name, () => {
    const cases = read(name) as Case[];
    it("is not empty", () => expect(cases.length).toBeGreaterThan(0));
    for (const one of cases) {
      it(`${one.id} ${one.text.slice(0, 100)}`, () => {
        // toBe tells 0 from -0 as well.
        const value = evaluate(one.node, scopeOf(one.scope));
        if (Array.isArray(one.expected)) expect(value).toEqual(one.expected);
        else expect(value).toBe(one.expected);
      });
    }
  });
}

it("leaves set functions to the sweep", () => {
  for (const one of read("sets.json") as { node: ExpressionNode; population: Case["scope"][] }[]) {
    const first = one.population[0];
    if (first) expect(() => evaluate(one.node, scopeOf(first))).toThrow(NeedsPopulation);
  }
});

it("normalises text on entry", () => {
  for (const { id, fn, input, expected } of read("entry.json") as { id: string; fn: "text" | "number"; input: string | null; expected: string | null }[]) {
    if (input === null) continue;
    expect((fn === "text" ? normaliseText : normaliseNumberText)(input) || null, id).toBe(expected);
  }
});
