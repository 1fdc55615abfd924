/** The examples of rules (tests/rules): a hit, none, the boundary, nothing among the values; the same for every engine. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { evaluate } from "../src/expressions/evaluate";
import type { ExpressionNode, HouseholdScope, Scope } from "../src/expressions/nodes";

type Row = Record<string, unknown>;
interface Pair {
  row: Row;
  last: Row | null;
}
interface Example {
  rule: string;
  node: ExpressionNode;
  consts: Row;
  cases: { kind: string; hits: boolean; scope: Pair & { household: Pair & { relations: Record<string, Pair[]>; spell: { row: Row } | null } } }[];
}

const CASES = join(import.meta.dirname, "../../tests/rules/cases");
const examples = readdirSync(CASES).flatMap((name) => JSON.parse(readFileSync(join(CASES, name), "utf-8")) as Example[]);

it("finds the examples", () => expect(examples.length).toBeGreaterThan(240));

for (const { rule, node, consts, cases } of examples) {
  for (const { kind, hits, scope } of cases) {
    it(`${rule} ${kind}`, () => {
      const household = { ...scope.household, relations: {} as Record<string, Scope[]> };
      for (const [name, rows] of Object.entries(scope.household.relations)) {
        household.relations[name] = rows.map((pair) => ({ ...pair, household: household as HouseholdScope, consts }));
      }
      expect(evaluate(node, { row: scope.row, last: scope.last, household, consts }) === true).toBe(hits);
    });
  }
}
