/** Rows of the grid: what is typed, what the server said to it, and the draft that outlives a reload. */

import { BETWEEN_WORDS } from "../../words/typed";

export interface Column {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly kind: "text" | "lines" | "number" | "bool" | "date" | "month" | "code" | "few" | "many" | "ref" | "refs" | "point";
  readonly many: boolean;
  readonly ref: string;
  readonly within: string;
  readonly above: string;
  readonly headers: readonly string[];
  readonly options: readonly (readonly [code: string, word: string, letters: string])[];
}

/** `ids`: what the words of a cell stand for where they were chosen. */
export interface Cell {
  text: string;
  ids: Record<string, string>;
}

export interface Choice {
  readonly value: string;
  readonly words: string;
  readonly hint: string;
}

export type State = "new" | "good" | "doubtful" | "faulty";

export interface Row {
  readonly id: string;
  cells: Record<string, Cell>;
  sure: boolean;
  state: State;
  faults: Record<string, string>;
  doubts: string[];
  choices: Record<string, readonly Choice[]>;
  place: string;
  /** Grows with each change: an answer to an older state is not believed. */
  edition: number;
}

export interface Answer {
  readonly id: string;
  readonly kept: boolean;
  readonly faults: Record<string, string>;
  readonly doubts: string[];
  readonly choices: Record<string, readonly Choice[]>;
  readonly cells: Record<string, Cell>;
  readonly place: string;
}

/** A version 4 UUID; `crypto.randomUUID` is missing where the county's server speaks plain HTTP. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function newRow(cells: Record<string, Cell> = {}): Row {
  return { id: newId(), cells, sure: false, state: "new", faults: {}, doubts: [], choices: {}, place: "", edition: 0 };
}

export function isFilled(row: Row): boolean {
  return Object.values(row.cells).some((cell) => cell.text !== "");
}

/** What a cell's text stands for: codes and ids of the words that are known, the text itself of the others. */
export function meaning(column: Column, cell: Cell): { texts: string[]; ids: string[] } {
  const parts = column.many ? cell.text.split(BETWEEN_WORDS).map((part) => part.trim()).filter(Boolean) : [cell.text.trim()].filter(Boolean);
  const texts: string[] = [];
  const ids: string[] = [];
  for (const part of parts) {
    const chosen = cell.ids[part];
    if (column.ref) (chosen ? ids : texts).push(chosen ?? part);
    else {
      const same = column.options.filter((option) => option[1] === part);
      texts.push(chosen ?? (same.length === 1 ? same[0]![0] : part));
    }
  }
  return { texts, ids };
}

/** Codes that a cell holds. */
export function codesOf(column: Column, cell: Cell | undefined): string[] {
  return cell ? meaning(column, cell).texts.filter((text) => column.options.some((option) => option[0] === text)) : [];
}

export function toSend(columns: readonly Column[], row: Row, number: number): unknown {
  const cells: Record<string, unknown> = {};
  for (const column of columns) {
    const cell = row.cells[column.name];
    if (cell?.text) cells[column.name] = meaning(column, cell);
  }
  return { id: row.id, number, sure: row.sure, cells };
}

/** Takes the server's answer in; false where the row was changed since it was sent. */
export function take(row: Row, answer: Answer, edition: number): boolean {
  if (row.edition !== edition) return false;
  row.faults = { ...answer.faults };
  row.doubts = [...answer.doubts];
  row.choices = { ...answer.choices };
  row.place = answer.place;
  for (const [name, cell] of Object.entries(answer.cells)) row.cells[name] = { text: cell.text, ids: { ...cell.ids } };
  row.state = Object.keys(row.faults).length > 0 ? "faulty" : row.doubts.length > 0 ? "doubtful" : "good";
  return true;
}

export function changed(row: Row): void {
  row.edition++;
  row.state = "new";
  row.sure = false;
  row.faults = {};
  row.doubts = [];
  row.choices = {};
}

// An identity or bank number has no place in the browser's storage: it stays in the page only.
const NUMBER = /\d{15,}[\dXx]?/;

export function draftOf(rows: readonly Row[], columns: readonly Column[]): string {
  const column = new Map(columns.map((one) => [one.name, one]));
  const kept = rows.filter(isFilled).map((row) => ({
    id: row.id,
    cells: Object.fromEntries(Object.entries(row.cells).filter(([name, cell]) => cell.text !== "" && !isSecret(column.get(name), cell.text))),
  }));
  return kept.length > 0 ? JSON.stringify({ rows: kept }) : "";
}

const IDENTITY = /^\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]$|^\d{15}$/;

/** Is the text a number that says who somebody is or where their money lies? Codes of what a reference leads to are none. */
export function isSecret(column: Column | undefined, text: string): boolean {
  return text.split(/[^\dXx]+/).some((part) => (column?.ref ? IDENTITY.test(part) : NUMBER.test(part)));
}

export function rowsOf(draft: string | null): Row[] {
  try {
    const held = JSON.parse(draft ?? "") as { rows: { id: string; cells: Record<string, Cell> }[] };
    return held.rows.map((row) => ({ ...newRow(row.cells), id: row.id }));
  } catch {
    return [];
  }
}
