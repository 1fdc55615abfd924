/** What the rule editor offers, by where in the condition one types. */

import { expect, it } from "vitest";
import { namesAt } from "../src/site/rules";

const NAMES = {
  tables: {
    household: [{ name: "wage_income", words: "工资性收入" }],
    person: [{ name: "work_months", words: "务工月数" }],
    microcredit: [{ name: "principal", words: "贷款金额" }],
    project: [{ name: "funds_paid", words: "已拨付" }],
    village_year: [{ name: "population", words: "总人口" }],
  },
  relations: {
    "": [
      { name: "members", words: "在户成员", table: "person" },
      { name: "loans", words: "小额信贷", table: "microcredit" },
    ],
    village_year: [
      { name: "households", words: "农户", table: "household" },
      { name: "members", words: "在户成员", table: "person" },
    ],
  },
  belongs: ["person", "microcredit"],
  last: ["household", "person", "village_year"],
  places: ["village_year"],
  common: [{ name: "param.income_line", words: "收入线" }],
};

const offered = (subject: string, before: string) => namesAt(NAMES, subject, before).map((one) => one.name);

it("offers the items of the subject and what may stand anywhere", () => {
  expect(offered("household", "wage")).toEqual(["wage_income", "members", "loans", "param.income_line", "last.wage_income"]);
  expect(offered("project", "")).toEqual(["funds_paid", "members", "loans", "param.income_line"]);
});

it("offers the household's items beside those of its rows", () => {
  expect(offered("microcredit", "prin")).toEqual(["principal", "members", "loans", "param.income_line", "household.wage_income"]);
});

it.each([
  ["any(loans, prin", "principal"],
  ["wage_income > 0 and any(loans, coalesce(prin", "principal"],
  ["sum( loans , prin", "principal"],
  ["any(members, work_months > 0) and count(loans, (principal > 1) and prin", "principal"],
  ["any(loans, principal > 0) and wag", "wage_income"],
  ["(wag", "wage_income"],
  ["any(unknown, wag", "wage_income"],
])("within a call offers the items of its rows: %s", (before, first) => expect(offered("household", before)[0]).toBe(first));

it("offers within a call what the subject itself has", () => {
  expect(offered("person", "any(loans, prin")).toEqual(["principal", "param.income_line", "own.work_months", "household.wage_income"]);
});

it("offers of a village what lies below it, of this year alone", () => {
  expect(offered("village_year", "pop")).toEqual(["population", "households", "members", "param.income_line", "last.population"]);
  expect(offered("village_year", "count(households, wage")).toEqual(["wage_income", "param.income_line"]);
  expect(offered("village_year", "count(members, work")).toEqual(["work_months", "param.income_line", "household.wage_income"]);
  expect(offered("village_year", "any(loans, prin")[0]).toBe("population");
});
