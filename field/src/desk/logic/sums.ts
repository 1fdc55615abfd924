/** The income sheet adds up by itself: which items are parts of which sum, how far they are set in, and when a sum is filled from its parts. */

import type { FieldState, Indicator, Value } from "../../engine";
import type { ExpressionNode } from "../../expressions/nodes";

export interface SumTree {
  /** Sum → its parts, in the order of the form. */
  parts: ReadonlyMap<string, readonly string[]>;
  parent: ReadonlyMap<string, string>;
  /** 0 for what stands alone, 1 for a part, 2 for a part of a part. */
  depth(name: string): number;
}

function columns(node: ExpressionNode, found: string[] = []): string[] {
  switch (node.op) {
    case "col":
      if (node.scope === "row") found.push(node.name);
      break;
    case "add":
      columns(node.left, found);
      columns(node.right, found);
      break;
    case "call":
      if (node.fn === "coalesce") node.args.forEach((argument) => columns(argument, found));
      break;
    default:
  }
  return found;
}

/** The dictionary says of an item what it is part of; a computed sum names its parts itself. Only items that follow their sum are its parts on
 * paper: 年收入 stands below what it adds up. */
export function sumTree(items: readonly Indicator[]): SumTree {
  const place = new Map(items.map((item, index) => [item.name, index]));
  const parent = new Map<string, string>();
  for (const item of items) {
    if (item.part_of && place.has(item.part_of)) parent.set(item.name, item.part_of);
    if (item.computed)
      for (const name of columns(item.computed))
        if ((place.get(name) ?? -1) > (place.get(item.name) ?? 0) && !parent.has(name)) parent.set(name, item.name);
  }
  const parts = new Map<string, string[]>();
  for (const item of items) {
    const sum = parent.get(item.name);
    if (sum !== undefined) parts.set(sum, [...(parts.get(sum) ?? []), item.name]);
  }
  const depth = (name: string, seen = 0): number => {
    const sum = parent.get(name);
    return sum === undefined || seen > 5 ? 0 : 1 + depth(sum, seen + 1);
  };
  return { parts, parent, depth: (name) => depth(name) };
}

function number(value: Value | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** Sum of the parts that have a value; null where none has. */
export function sumOfParts(parts: readonly string[], values: (name: string) => Value | undefined): number | null {
  const held = parts.map((name) => number(values(name))).filter((value): value is number => value !== null);
  return held.length === 0 ? null : held.reduce((sum, value) => sum + value, 0);
}

/**
 * After `name` has changed: the typed sums that follow it, innermost first. A sum somebody typed themselves (it is neither empty nor what its
 * parts added up to before) is left alone: the constraint beside it says where the two differ.
 */
export function filledSums(
  tree: SumTree,
  name: string,
  before: (name: string) => Value | undefined,
  after: (name: string) => Value | undefined,
  isComputed: (name: string) => boolean,
): { name: string; value: number | null }[] {
  const filled: { name: string; value: number | null }[] = [];
  const now = (item: string): Value | undefined => filled.find((one) => one.name === item)?.value ?? after(item);
  for (let sum = tree.parent.get(name); sum !== undefined && !isComputed(sum); sum = tree.parent.get(sum)) {
    const parts = tree.parts.get(sum) ?? [];
    const stands = number(before(sum));
    if (stands !== null && stands !== sumOfParts(parts, before)) break;
    const value = sumOfParts(parts, now);
    if (value === stands) break;
    filled.push({ name: sum, value });
  }
  return filled;
}

/** What stands in a sum that was typed beside parts which add up to something else, for the line under the field. */
export function partsDiffer(tree: SumTree, field: FieldState, values: (name: string) => Value | undefined): number | null {
  const parts = tree.parts.get(field.name);
  if (!parts || field.computed) return null;
  const sum = sumOfParts(parts, values);
  const stands = number(field.value);
  return sum !== null && stands !== null && sum !== stands ? sum : null;
}
