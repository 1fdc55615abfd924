/** On households that were handed in, the form finds what the server finds: rules, constraints, relevance, sums. */

import { describe, expect, it } from "vitest";
import { isStop, unconfirmed } from "../src/desk/logic/layout";
import { HOUSEHOLD, HouseholdStore } from "../src/engine";
import { households, pack } from "./fixtures";

const collected = households.filter(({ bundle }) => bundle.record.state !== "empty");

it("has households to look at", () => {
  expect(collected.length).toBeGreaterThan(8);
  expect(collected.flatMap(({ expected }) => expected.rules).length).toBeGreaterThan(5);
  expect(collected.some(({ bundle }) => (bundle.spells ?? []).length > 0)).toBe(true);
});

for (const { bundle, expected } of collected) {
  describe(bundle.household.code, () => {
    const { state } = new HouseholdStore(pack, bundle, 1);

    it("hits the same rules with the same sentences", () => {
      const found = state.findings.filter(({ kind }) => kind === "rule").map(({ id, target, message }) => [id, target, message]);
      expect(found.sort()).toEqual([...expected.rules].sort());
    });

    it("fails the same constraints", () => {
      const found = state.findings.filter(({ kind }) => kind === "constraint").map(({ id, target }) => [id, target]);
      expect(found.sort()).toEqual([...expected.constraints].sort());
    });

    it("asks the same items", () => {
      for (const form of state.forms) {
        if (form.person?.live === false) continue;
        const shown = form.sections
          .flatMap(({ fields }) => fields)
          .filter(({ relevant, indicator }) => relevant && indicator.home === "record")
          .map(({ name }) => name);
        expect(shown.sort(), form.title).toEqual(expected.visible[form.target]);
      }
    });

    it("adds up the same", () => {
      const fields = state.forms.find(({ target }) => target === HOUSEHOLD)?.sections.flatMap((section) => section.fields) ?? [];
      for (const [name, value] of Object.entries(expected.computed)) expect(fields.find((field) => field.name === name)?.value, name).toBe(value);
    });
  });
}

it("refuses to submit the same sections, also where last year's answers decide what is asked", () => {
  for (const { bundle, expected } of households) {
    const { state } = new HouseholdStore(pack, bundle, 1);
    const found = unconfirmed(state).map(({ form, section, first }) => [
      form.target,
      first.name,
      section.fields.filter((field) => field.carried && isStop(field)).length,
    ]);
    expect(found.sort(), bundle.household.code).toEqual([...expected.unconfirmed].sort());
  }
  expect(households.flatMap(({ expected }) => expected.unconfirmed).length).toBeGreaterThan(8);
});
