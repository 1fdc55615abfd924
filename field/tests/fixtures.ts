/** Real bundles of the demo county, written by tests/conformance/test_field_households.py. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HouseholdBundle, PackBundle } from "../src/engine";

export interface Expected {
  rules: [string, string, string][];
  constraints: [string, string][];
  visible: Record<string, string[]>;
  computed: Record<string, number | null>;
  /** Target, first item and count of items of each section that a submission is refused for. */
  unconfirmed: [string, string, number][];
}

const read = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/households.json"), "utf-8")) as {
  pack: PackBundle;
  households: { bundle: HouseholdBundle; expected: Expected }[];
};

export const { pack, households } = read;
/** One nobody has begun this year, and one that was handed in. */
export const empty = households.find(({ bundle }) => bundle.record.state === "empty")?.bundle as HouseholdBundle;
export const submitted = households.find(({ bundle }) => bundle.record.state === "submitted")?.bundle as HouseholdBundle;
