/**
 * The rule language in TypeScript: same meaning as fangfanpin/expressions/evaluate.py, over the same JSON nodes. No eval.
 * Held integers have at most 15 digits; what may grow beyond goes through BigInt and is unknown (null) when it does.
 */

import type { Aggregate, Arithmetic, Call, Compare, ExpressionNode, Held, Scope } from "./nodes";
import { PATTERNS } from "./patterns";

/** A set function asks about the whole county; the sweep alone can answer. */
export class NeedsPopulation extends Error {}

/** The value in a scope: null, boolean, integer, text or list of codes. */
export function evaluate(node: ExpressionNode, scope: Scope): Held {
  switch (node.op) {
    case "lit":
      return node.value;
    case "const":
      return held(scope.consts[node.name]);
    case "col":
      return column(node.scope, node.name, scope);
    case "not": {
      const value = evaluate(node.arg, scope);
      return value === null ? null : !value;
    }
    case "neg": {
      const value = evaluate(node.arg, scope);
      return value === null ? null : 0 - (value as number);
    }
    case "is_null":
      return evaluate(node.arg, scope) === null;
    case "and":
      return logic(node.args, scope, false);
    case "or":
      return logic(node.args, scope, true);
    case "eq":
    case "ne":
    case "lt":
    case "le":
    case "gt":
    case "ge":
      return compare(node, scope);
    case "add":
    case "sub":
    case "mul":
      return arithmetic(node, scope);
    case "in": {
      const value = evaluate(node.arg, scope);
      return value === null ? null : node.values.includes(value as string);
    }
    case "call":
      return call(node, scope);
    case "agg":
      return aggregate(node, scope);
    case "set":
      throw new NeedsPopulation(node.fn);
  }
}

function held(value: unknown): Held {
  return value === undefined || value === null ? null : (value as Held);
}

function column(place: string, name: string, scope: Scope): Held {
  let row: Readonly<Record<string, unknown>> | null | undefined;
  switch (place) {
    case "row":
      row = scope.row;
      break;
    case "last":
      row = scope.last;
      break;
    case "household":
      row = scope.household.row;
      break;
    case "household.last":
      row = scope.household.last;
      break;
    case "own":
      row = scope.own;
      break;
    default:
      row = scope.household.spell?.row;
  }
  return row ? held(row[name]) : null;
}

/** `and` ends at FALSE, `or` at TRUE; otherwise one unknown makes it unknown. */
function logic(args: readonly ExpressionNode[], scope: Scope, decisive: boolean): boolean | null {
  let unknown = false;
  for (const arg of args) {
    const value = evaluate(arg, scope);
    if (value === decisive) return decisive;
    unknown = unknown || value === null;
  }
  return unknown ? null : !decisive;
}

function compare(node: Compare, scope: Scope): boolean | null {
  const left = evaluate(node.left, scope);
  const right = evaluate(node.right, scope);
  if (left === null || right === null) return null;
  if (typeof left === "number" && typeof right === "number") {
    if (node.scale_left || node.scale_right) {
      const first = BigInt(left) * 10n ** BigInt(node.scale_left);
      const second = BigInt(right) * 10n ** BigInt(node.scale_right);
      return ordered(node.op, first === second ? 0 : first < second ? -1 : 1);
    }
    return ordered(node.op, left === right ? 0 : left < right ? -1 : 1);
  }
  const equal = same(left, right);
  return node.op === "ne" ? !equal : equal;
}

function ordered(op: Compare["op"], sign: number): boolean {
  switch (op) {
    case "eq":
      return sign === 0;
    case "ne":
      return sign !== 0;
    case "lt":
      return sign < 0;
    case "le":
      return sign <= 0;
    case "gt":
      return sign > 0;
    case "ge":
      return sign >= 0;
  }
}

function same(left: Held, right: Held): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((value, index) => value === right[index]);
  }
  return left === right;
}

/** Numbers have at most 15 digits in every engine; what is larger is unknown. */
const BEYOND = 10 ** 15;
/** Months are those of the years 1 to 9999. */
const [FIRST_MONTH, LAST_MONTH] = [12, 119_999];

function bounded(value: bigint | number): number | null {
  return value > -BEYOND && value < BEYOND ? Number(value) + 0 : null; // + 0: never -0
}

function arithmetic(node: Arithmetic, scope: Scope): number | null {
  const left = evaluate(node.left, scope) as number | null;
  const right = evaluate(node.right, scope) as number | null;
  if (left === null || right === null) return null;
  if (node.op === "mul") {
    const quick = left * right;
    return bounded(Number.isSafeInteger(quick) ? quick : BigInt(left) * BigInt(right));
  }
  if (node.left.type.kind === "date") return dayIndex(left) - dayIndex(right);
  const first = BigInt(left) * 10n ** BigInt(node.scale_left);
  const second = BigInt(right) * 10n ** BigInt(node.scale_right);
  const result = node.op === "add" ? first + second : first - second;
  if (node.type.kind === "month") return result >= FIRST_MONTH && result <= LAST_MONTH ? Number(result) : null;
  return bounded(result);
}

/** Days since an arbitrary day, by the proleptic Gregorian calendar, in integers. */
function dayIndex(day: number): number {
  const year = Math.floor(day / 10000);
  const month = Math.floor(day / 100) % 100;
  // Years begin in March, so that the leap day is the last.
  const shifted = month > 2 ? year : year - 1;
  const place = month > 2 ? month - 3 : month + 9;
  return (
    365 * shifted +
    Math.floor(shifted / 4) -
    Math.floor(shifted / 100) +
    Math.floor(shifted / 400) +
    Math.floor((153 * place + 2) / 5) +
    (day % 100) -
    1
  );
}

/** top ÷ bottom rounded half away from zero. */
export function halfAway(top: bigint, bottom: bigint): bigint {
  const [a, b] = [top < 0n ? -top : top, bottom < 0n ? -bottom : bottom];
  const quotient = (2n * a + b) / (2n * b);
  return top < 0n !== bottom < 0n ? -quotient : quotient;
}

function scaleOf(node: ExpressionNode | undefined): number {
  return node?.type.kind === "number" ? node.type.scale : 0;
}

const ranks = new Map<string, ReadonlyMap<string, number>>();

/** The ordering a `rank_of` node carries: "01=1,02=2". */
function ranksOf(extra: string): ReadonlyMap<string, number> {
  let known = ranks.get(extra);
  if (!known) {
    known = new Map(
      extra
        .split(",")
        .filter((pair) => pair)
        .map((pair) => {
          const [code = "", rank = ""] = pair.split("=");
          return [code, Number(rank)];
        }),
    );
    ranks.set(extra, known);
  }
  return known;
}

function call(node: Call, scope: Scope): Held {
  if (node.fn === "coalesce") {
    for (const arg of node.args) {
      const value = evaluate(arg, scope);
      if (value !== null) return value;
    }
    return null;
  }
  const args = node.args.map((arg) => evaluate(arg, scope));
  if (node.fn === "if") return args[0] === true ? held(args[1]) : held(args[2]);
  if (args.some((value) => value === null)) return null;
  const first = args[0] as Held;
  switch (node.fn) {
    case "age": {
      const [birth, on] = args as [number, number];
      return on >= birth ? Math.floor((on - birth) / 10000) : -1;
    }
    case "months_between": {
      const [from, to] = args as [number, number];
      const months = Math.floor(to / 100) - Math.floor(from / 100) - 88 * (Math.floor(to / 10000) - Math.floor(from / 10000));
      return months - (to % 100 < from % 100 ? 1 : 0);
    }
    case "has":
      return (first as readonly string[]).includes(node.extra);
    case "matches": {
      const pattern = PATTERNS[node.extra];
      if (!pattern) throw new Error(`no pattern ${node.extra}`);
      return pattern(first as string);
    }
    case "length":
      return [...(first as string)].length;
    case "left":
      return [...(first as string)].slice(0, Number(node.extra)).join("");
    case "size":
      return (first as readonly string[]).length;
    case "ratio": {
      const [top, bottom] = args as [number, number];
      if (bottom === 0) return null;
      const scaledTop = BigInt(top) * 10n ** BigInt(Number(node.extra) + scaleOf(node.args[1]));
      return bounded(halfAway(scaledTop, BigInt(bottom) * 10n ** BigInt(scaleOf(node.args[0]))));
    }
    case "abs":
      return Math.abs(first as number);
    case "least":
      return Math.min(...(args as number[]));
    case "greatest":
      return Math.max(...(args as number[]));
    case "year":
      return Math.floor((first as number) / (node.extra === "month" ? 12 : 10000));
    case "month": {
      const day = first as number;
      return Math.floor(day / 10000) * 12 + (Math.floor(day / 100) % 100) - 1;
    }
    case "multiple":
      return (first as number) % Number(node.extra) === 0;
    case "distance":
      return metres(...(args as [number, number, number, number]));
    case "rank_of":
      return ranksOf(node.extra).get(first as string) ?? null;
    default:
      throw new Error(`no function ${node.fn}`);
  }
}

/** As fangfanpin/expressions/metres.py, which says why; no number here is beyond what a double holds exactly. */
function metres(lat: number, lon: number, toLat: number, toLon: number): number | null {
  if (Math.max(Math.abs(lat), Math.abs(toLat)) > 90_000_000 || Math.max(Math.abs(lon), Math.abs(toLon)) > 180_000_000) return null;
  const y = Math.floor(Math.abs(lat + toLat) / 20_000) ** 2;
  const degree = 111_300 - Math.floor((y * (1_680_000 - Math.floor((y * 384_000) / 1e8))) / 1e9);
  const north = Math.floor((Math.abs(lat - toLat) * 111_000 + 500_000) / 1e6);
  const east = Math.floor((Math.abs(lon - toLon) * degree + 500_000) / 1e6);
  return Math.floor(Math.sqrt(north * north + east * east));
}

const askingOwn = new WeakMap<Aggregate, boolean>();

/** Does an aggregate compare its rows with the row that asks? */
function asksOwn(node: Aggregate): boolean {
  let known = askingOwn.get(node);
  if (known === undefined) askingOwn.set(node, (known = JSON.stringify(node).includes('"scope":"own"')));
  return known;
}

function aggregate(node: Aggregate, scope: Scope): Held {
  const beside = scope.household.relations?.[node.relation] ?? [];
  const rows = asksOwn(node) ? beside.map((row) => ({ ...row, own: scope.row })) : beside;
  const { where, value } = node;
  if (node.fn === "all") return where ? rows.every((row) => evaluate(where, row) === true) : true;
  const chosen = where ? rows.filter((row) => evaluate(where, row) === true) : rows;
  if (node.fn === "count") return chosen.length;
  if (node.fn === "any") return chosen.length > 0;
  if (!value) throw new Error(`${node.fn} without a value`);
  const values = chosen.map((row) => evaluate(value, row));
  if (node.fn === "the") return values.length === 1 ? held(values[0]) : null;
  if (node.fn === "distinct") return new Set(values.filter((found) => found !== null)).size;
  const known = values.filter((found) => found !== null) as number[];
  if (node.fn === "sum") return bounded(known.reduce((total, found) => total + BigInt(found), 0n));
  if (known.length === 0) return null;
  return node.fn === "min" ? Math.min(...known) : Math.max(...known);
}

/** Every column a node reads as [scope, name]; those inside aggregates belong to other rows and come as [relation, name]. */
export function columnsOf(node: ExpressionNode, relation = ""): [string, string][] {
  const found: [string, string][] = [];
  const visit = (inner: ExpressionNode | null | undefined, place: string): void => {
    if (!inner) return;
    switch (inner.op) {
      case "col":
        if (inner.scope === "own") found.push(["row", inner.name]);
        else found.push([place && (inner.scope === "row" || inner.scope === "last") ? place : inner.scope, inner.name]);
        break;
      case "not":
      case "neg":
      case "is_null":
      case "in":
        visit(inner.arg, place);
        break;
      case "and":
      case "or":
      case "call":
        inner.args.forEach((arg) => visit(arg, place));
        break;
      case "agg":
        visit(inner.value, inner.relation);
        visit(inner.where, inner.relation);
        break;
      case "set":
        inner.args.forEach((arg) => visit(arg, place));
        visit(inner.where, place);
        break;
      case "lit":
      case "const":
        break;
      default:
        visit(inner.left, place);
        visit(inner.right, place);
    }
  };
  visit(node, relation);
  return found;
}
