/**
 * A block pasted from Excel or WPS. Values come from the plain text (the HTML breaks long words), merged cells from the HTML.
 * Nothing is dropped in silence: what finds no place in the grid is told and handed back.
 */

import { BRACKETS, HEAD_SIGNS, NUMBER_HEADS, SUM_ROW } from "../../words/typed";

export interface PasteColumn {
  readonly name: string;
  /** Titles by which a pasted header row may call it. */
  readonly headers: readonly string[];
}

export interface Pasted {
  /** {column: text} per row that belongs into the grid. */
  readonly rows: Record<string, string>[];
  readonly hasHeader: boolean;
  /** Titles (or "第 n 列") of columns with values that the grid does not have. */
  readonly surplus: string[];
  /** Rows that were not taken: titles over merged cells, sums. Blank ones only counted. */
  readonly skipped: string[];
  readonly blank: number;
  /** Everything that found no place, as text to copy. */
  readonly leftOver: string;
}

interface Span {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

/** Tab-separated text as spreadsheets write it: a cell with a line break or a quote stands in quotes. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  let fresh = true;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (quoted) {
      if (letter === '"' && text[at + 1] === '"') {
        cell += '"';
        at++;
      } else if (letter === '"') quoted = false;
      else cell += letter;
    } else if (letter === '"' && fresh && closes(text, at)) {
      quoted = true;
      fresh = false;
    } else if (letter === "\t" || letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[at + 1] === "\n") at++;
      row.push(cell.trim());
      cell = "";
      fresh = true;
      if (letter !== "\t") {
        rows.push(row);
        row = [];
      }
    } else {
      cell += letter;
      fresh = false;
    }
  }
  if (cell || row.length > 0) rows.push([...row, cell.trim()]);
  return rows;
}

/** Does the quote that opens a cell close before a tab or the line's end? Else it is a quote that somebody typed. */
function closes(text: string, from: number): boolean {
  const closing = /"(?:\t|\r|\n|$)/g;
  closing.lastIndex = from + 1;
  for (let match = closing.exec(text); match; match = closing.exec(text)) {
    const quotes = /"*$/.exec(text.slice(from + 1, match.index + 1))![0].length;
    if (quotes % 2 === 1) return true;
  }
  return false;
}

/** Merged cells of the copied table; none where it has no HTML or not the same rows. */
export function spansOf(html: string, rowCount: number): Span[] {
  if (!html.includes("<t") || typeof DOMParser === "undefined") return [];
  const lines = [...new DOMParser().parseFromString(html, "text/html").querySelectorAll("tr")];
  if (lines.length !== rowCount) return [];
  const found: Span[] = [];
  const taken = new Set<string>();
  lines.forEach((line, row) => {
    let column = 0;
    for (const cell of line.querySelectorAll<HTMLTableCellElement>("td, th")) {
      while (taken.has(`${row},${column}`)) column++;
      const [rows, columns] = [Math.max(1, cell.rowSpan), Math.max(1, cell.colSpan)];
      for (let down = 0; down < rows; down++) for (let right = 0; right < columns; right++) taken.add(`${row + down},${column + right}`);
      if (rows > 1 || columns > 1) found.push({ row, column, rows, columns });
      column += columns;
    }
  });
  return found;
}

const plain = (title: string): string => title.replace(BRACKETS, "").replace(HEAD_SIGNS, "").toLowerCase();
const NUMBER = new Set(NUMBER_HEADS.map(plain));
const LOOKED_AT = 6; // rows on top in which a header may stand

/**
 * The block as rows of the grid. With a header row (at least two titles of the grid, or the only one) columns go by their titles; without one they
 * follow `columns` from `from` on. A cell merged over rows counts for each of them; a row that is one merged cell or a sum is skipped and told.
 */
export function readBlock(cells: readonly (readonly string[])[], columns: readonly PasteColumn[], from: number, spans: readonly Span[] = [], nth: (n: number) => string = String): Pasted {
  const width = Math.max(0, ...cells.map((row) => row.length));
  const block = cells.map((row) => [...row, ...Array<string>(width - row.length).fill("")]);
  for (const span of spans) {
    if (span.columns === 1) for (let down = 1; down < span.rows; down++) if (block[span.row + down]) block[span.row + down]![span.column] ||= block[span.row]![span.column] ?? "";
  }
  const byTitle = new Map<string, string>();
  for (const column of columns) for (const header of column.headers) if (!byTitle.has(plain(header))) byTitle.set(plain(header), column.name);
  const filled = (row: readonly string[]): number => row.filter((cell) => cell !== "").length;
  const titles = (row: readonly string[]): number => row.filter((cell) => cell !== "" && byTitle.has(plain(cell))).length;
  const header = block.slice(0, LOOKED_AT).findIndex((row) => titles(row) >= 2 || (titles(row) === 1 && filled(row) === 1 && width === 1));
  const target: (string | undefined)[] = Array<string | undefined>(width).fill(undefined);
  if (header < 0) for (let at = 0; at < width; at++) target[at] = columns[from + at]?.name;
  else
    for (const column of columns) {
      // Of several titles that mean one column (编号 and 姓名 of a household) the one named first by the dictionary is read.
      const known = column.headers.map(plain);
      const places = block[header]!.map((title, place) => ({ place, rank: known.indexOf(plain(title)) })).filter((one) => one.rank >= 0);
      const best = places.filter((one) => byTitle.get(plain(block[header]![one.place]!)) === column.name).sort((a, b) => a.rank - b.rank)[0];
      if (best) target[best.place] = column.name;
    }
  const rows: Record<string, string>[] = [];
  const skipped: string[] = [];
  const left: string[][] = [];
  const surplus = new Set<number>();
  let blank = 0;
  block.forEach((row, at) => {
    const count = filled(row);
    const merged = spans.some((span) => span.row === at && span.columns > 1 && count === 1);
    if (at === header) return;
    if (count === 0) blank++;
    else if (at < header || SUM_ROW.test(row.find((cell) => cell !== "")!.replace(/\s/g, "")) || merged) {
      skipped.push(row.filter((cell) => cell !== "").join(" "));
      left.push(row);
    } else {
      const given: Record<string, string> = {};
      row.forEach((cell, place) => {
        const name = target[place];
        if (cell === "") return;
        if (name !== undefined) given[name] = cell;
        else if (header < 0 || !(NUMBER.has(plain(block[header]![place]!)) || byTitle.has(plain(block[header]![place]!)))) surplus.add(place);
      });
      if (Object.keys(given).length > 0) rows.push(given);
      else left.push(row);
    }
  });
  const outside = [...surplus].sort((a, b) => a - b);
  const called = outside.map((place) => (header >= 0 && block[header]![place]) || nth(place + 1));
  const lines = left.map((row) => row.join("\t").trimEnd());
  if (outside.length > 0) {
    const keys = target.findIndex((name) => name === columns[0]?.name);
    const shown = keys >= 0 ? [keys, ...outside] : outside;
    if (header >= 0) lines.push(shown.map((place) => block[header]![place]).join("\t"));
    block.forEach((row, at) => {
      if (at > header && outside.some((place) => row[place] !== "") && !left.includes(row)) lines.push(shown.map((place) => row[place]).join("\t"));
    });
  }
  return { rows, hasHeader: header >= 0, surplus: called, skipped, blank, leftOver: lines.join("\n") };
}
