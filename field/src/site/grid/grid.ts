/**
 * Many rows of a register typed or pasted as a grid. One editor moves from cell to cell, so that five hundred rows stay plain text.
 * Keys: Enter and Tab go on, arrows move, Ctrl+Enter registers, Ctrl+D repeats the cell above. Rows are checked by the server when they are left; what is
 * not registered yet stays in this browser (without numbers of persons) and comes back after a reload or a new sign-in.
 */
import { csrfToken, get } from "../requests";
import { hint, Options } from "../options";
import { dayText, found, under } from "../pick";
import { type Answer, type Cell, changed, type Choice, codesOf, type Column, draftOf, isFilled, meaning, newRow, type Row, rowsOf, take, toSend } from "./model";
import { cellsOf, type Pasted, readBlock, spansOf } from "./paste";
import { BETWEEN_WORDS, WORDS_JOINED_BY } from "../../words/typed";

interface Setting {
  readonly columns: Column[];
  readonly most: number;
  readonly check: string;
  readonly save: string;
  readonly carry: string;
  readonly choices: string;
  readonly signIn: string;
  readonly draft: string;
  readonly words: Record<string, string>;
}
interface Offered {
  readonly value: string;
  readonly words: string;
  readonly hint: string;
}

const WAIT_MS = 200;
const CHECK_MS = 500;
const AT_ONCE = 40; // rows of one check while typing
const EMPTY_ROWS = 8;
const UNDOS = 20;

export function openGrid(root: HTMLElement): void {
  new Grid(root, JSON.parse(document.getElementById("grid-setting")!.textContent) as Setting);
}

class Grid {
  private rows: Row[] = [];
  private readonly columns: Column[];
  private readonly body: HTMLTableSectionElement;
  private readonly lines = new Map<string, HTMLTableRowElement>();
  private readonly box = document.createElement("input");
  private readonly list = document.createElement("ul");
  private readonly options = new Options<Offered>(this.box, this.list, (offer) => [offer.words, " ", hint(offer.hint)], (offer) => this.pick(offer), () => this.layList());
  private asked = 0;
  private at: { row: Row; column: number } | null = null;
  private undos: string[] = [];
  private timers: Record<string, number> = {};
  private isChecking = false;
  private isTyped = false;
  private readonly key: string;

  constructor(
    private readonly root: HTMLElement,
    private readonly setting: Setting,
  ) {
    this.columns = setting.columns;
    this.body = root.querySelector("tbody")!;
    this.key = `ffp-grid:${document.body.dataset["user"] ?? ""}:${setting.draft}`;
    this.head();
    this.prepareEditor();
    this.rows = rowsOf(this.stored());
    if (this.rows.length > 0) this.tell(this.say("restored", { n: this.rows.length }), "info");
    while (this.rows.length < EMPTY_ROWS) this.rows.push(newRow());
    this.paintAll();
    this.act("save", () => void this.preview());
    this.act("undo", () => this.undo());
    this.act("clear", () => this.clear());
    this.act("add", () => this.addRow(true));
    this.act("sure", () => this.allSure());
    this.act("next", () => this.nextFault());
    this.body.addEventListener("mousedown", (event) => this.onPress(event));
    this.root.addEventListener("paste", (event) => this.onPaste(event));
    this.root.querySelector<HTMLFormElement>("[data-carry]")?.addEventListener("submit", (event) => void this.carry(event));
    window.addEventListener("pagehide", () => this.keep());
    this.root.querySelector(".grid-scroll")!.addEventListener("scroll", () => this.closeList(), { passive: true });
    this.edit(this.rows[0]!, 0);
    this.checkSoon();
  }

  private say(name: string, values: Record<string, string | number> = {}): string {
    return Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, String(value)), this.setting.words[name] ?? name);
  }

  private act(name: string, act: () => void): void {
    this.root.querySelectorAll<HTMLButtonElement>(`[data-act=${name}]`).forEach((button) => button.addEventListener("click", act));
  }

  // ---- painting
  private head(): void {
    const group = document.createElement("colgroup");
    const row = this.root.querySelector("thead tr")!;
    group.append(Object.assign(document.createElement("col"), { className: "is-mark" }));
    for (const column of this.columns) {
      group.append(Object.assign(document.createElement("col"), { className: `is-${column.kind}` }));
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column.unit ? this.say("with_unit", { title: column.title, unit: column.unit }) : column.title;
      row.append(cell);
    }
    row.append(Object.assign(document.createElement("th"), { scope: "col" }));
    group.append(Object.assign(document.createElement("col"), { className: "is-act" }));
    this.root.querySelector("table")!.prepend(group);
  }

  private paintAll(): void {
    this.leave();
    this.lines.clear();
    const all = document.createDocumentFragment();
    this.rows.forEach((row) => all.append(this.lineOf(row)));
    this.body.replaceChildren(all);
    this.number();
    this.count();
  }

  private lineOf(row: Row): HTMLTableRowElement {
    const line = document.createElement("tr");
    line.dataset["row"] = row.id;
    const mark = document.createElement("th");
    mark.scope = "row";
    line.append(mark);
    this.columns.forEach((_column, place) => {
      const cell = document.createElement("td");
      cell.dataset["at"] = String(place);
      line.append(cell);
    });
    const end = document.createElement("td");
    const away = document.createElement("button");
    away.type = "button";
    away.className = "btn btn-link";
    away.tabIndex = -1;
    away.textContent = this.say("remove");
    away.addEventListener("click", () => this.removeRow(row));
    end.append(away);
    line.append(end);
    this.lines.set(row.id, line);
    this.paint(row);
    return line;
  }

  /** One row as it stands now: texts, what is wrong beside each, the mark in front. */
  private paint(row: Row): void {
    const line = this.lines.get(row.id);
    if (!line) return;
    line.className = `is-${row.state}`;
    this.columns.forEach((column, place) => {
      const cell = line.cells[place + 1]!;
      const isHere = this.at?.row === row && this.at.column === place;
      const fault = row.faults[column.name];
      const parts: Node[] = [];
      if (isHere) parts.push(this.box);
      else parts.push(document.createTextNode(row.cells[column.name]?.text ?? ""));
      if (place === 0 && row.place) parts.push(Object.assign(document.createElement("small"), { className: "text-secondary", textContent: row.place }));
      if (fault) parts.push(Object.assign(document.createElement("div"), { className: "field-error", textContent: fault, id: `fault-${row.id}-${column.name}` }));
      cell.className = fault ? "is-bad" : "";
      if (column.kind === "number") cell.classList.add("num");
      // The editor keeps its focus: it is never taken out of the page while somebody types in it.
      if (isHere && this.box.parentElement === cell) {
        for (const child of [...cell.childNodes]) if (child !== this.box) child.remove();
        parts.slice(1).forEach((part) => cell.append(part));
      } else cell.replaceChildren(...parts);
    });
    this.paintMark(row, line);
  }

  private paintMark(row: Row, line: HTMLTableRowElement): void {
    const mark = line.cells[0]!;
    const words = { new: isFilled(row) ? ["○", this.say("unchecked")] : ["", ""], good: ["●", this.say("good")], doubtful: ["▲", this.say("doubtful")], faulty: ["■", this.say("faulty")] }[row.state];
    const shape = Object.assign(document.createElement("span"), { className: `state state-${{ new: "none", good: "ok", doubtful: "warn", faulty: "bad" }[row.state]}`, textContent: words[0]! });
    shape.title = words[1]!;
    const number = Object.assign(document.createElement("span"), { className: "grid-number" });
    const hidden = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: words[1]! });
    const parts: Node[] = [number, shape, hidden];
    const told = [...(row.faults[""] ? [row.faults[""]] : []), ...row.doubts];
    if (told.length > 0) {
      const box = Object.assign(document.createElement("div"), { className: row.faults[""] ? "field-error" : "grid-doubt", textContent: told.join(this.say("and_then")) });
      if (row.doubts.length > 0) {
        const sure = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: this.say("sure"), tabIndex: -1 });
        sure.addEventListener("click", () => this.sure([row]));
        box.append(sure);
      }
      line.cells[1]!.append(box);
    }
    mark.replaceChildren(...parts);
    number.textContent = String(this.rows.indexOf(row) + 1);
  }

  private number(): void {
    this.rows.forEach((row, place) => {
      const shown = this.lines.get(row.id)?.querySelector(".grid-number");
      if (shown) shown.textContent = String(place + 1);
    });
  }

  private filled(): Row[] {
    return this.rows.filter(isFilled);
  }

  private count(): void {
    const rows = this.filled();
    const of = (state: Row["state"]): number => rows.filter((row) => row.state === state).length;
    const parts = [
      of("good") > 0 ? this.say("count_good", { n: of("good") }) : "",
      of("faulty") > 0 ? this.say("count_faulty", { n: of("faulty") }) : "",
      of("doubtful") > 0 ? this.say("count_doubtful", { n: of("doubtful") }) : "",
      of("new") > 0 ? this.say("count_new", { n: of("new") }) : "",
    ].filter(Boolean);
    this.root.querySelector<HTMLElement>("[data-part=count]")!.textContent = rows.length > 0 ? parts.join(this.say("and_also")) : this.say("count_none");
    this.root.querySelectorAll<HTMLButtonElement>("[data-act=save]").forEach((button) => (button.disabled = rows.length === 0));
    this.root.querySelectorAll<HTMLElement>("[data-act=sure]").forEach((button) => (button.hidden = of("doubtful") === 0));
    this.root.querySelectorAll<HTMLElement>("[data-act=next]").forEach((button) => (button.hidden = of("faulty") === 0));
    this.root.querySelectorAll<HTMLButtonElement>("[data-act=undo]").forEach((button) => (button.disabled = this.undos.length === 0));
  }

  private tell(text: string, kind: "info" | "success" | "warning" | "danger", link?: { words: string; url: string }): void {
    const shown = this.root.querySelector<HTMLElement>("[data-part=told]")!;
    shown.className = `alert alert-${kind}`;
    shown.hidden = text === "";
    shown.textContent = text;
    if (link) shown.append(" ", Object.assign(document.createElement("a"), { href: link.url, textContent: link.words, target: link.url === this.setting.signIn ? "_blank" : "" }));
  }

  // ---- the editor
  private prepareEditor(): void {
    this.box.className = "grid-editor";
    this.box.autocomplete = "off";
    this.box.setAttribute("role", "combobox");
    this.box.setAttribute("aria-controls", "grid-options");
    this.box.setAttribute("aria-autocomplete", "list");
    this.list.className = "options grid-options";
    this.list.id = "grid-options";
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    this.root.append(this.list);
    this.box.addEventListener("input", () => {
      this.isTyped = true;
      this.offer();
    });
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("blur", () => window.setTimeout(() => document.activeElement !== this.box && this.closeList(), WAIT_MS));
    // Gone to another program or control: what is typed counts.
    this.box.addEventListener("change", () => this.commit());
  }

  private onPress(event: MouseEvent): void {
    const cell = (event.target as HTMLElement).closest<HTMLTableCellElement>("td[data-at]");
    const row = this.rows.find((one) => one.id === cell?.parentElement?.dataset["row"]);
    if (!cell || !row || (event.target as HTMLElement).closest("button, input")) return;
    event.preventDefault();
    this.edit(row, Number(cell.dataset["at"]));
  }

  private edit(row: Row, column: number): void {
    this.leave();
    this.at = { row, column };
    const line = this.lines.get(row.id)!;
    const { title, name, kind } = this.columns[column]!;
    this.box.value = row.cells[name]?.text ?? "";
    this.box.inputMode = kind === "number" ? "decimal" : kind === "date" || kind === "month" ? "numeric" : "text";
    this.box.setAttribute("aria-label", `${this.say("row", { n: this.rows.indexOf(row) + 1 })} ${title}`);
    this.box.toggleAttribute("aria-invalid", row.faults[name] !== undefined);
    this.box.setAttribute("aria-describedby", `fault-${row.id}-${name}`);
    this.isTyped = false;
    this.paint(row);
    this.box.focus({ preventScroll: true });
    this.box.select();
    line.cells[column + 1]!.scrollIntoView({ block: "nearest", inline: "nearest" });
    const choices = row.choices[name];
    if (choices?.length) this.show(choices);
    else if (kind === "bool" || kind === "few" || kind === "code" || kind === "many" || this.columns[column]!.within) this.offer();
  }

  /** The typed text into its cell; true where it changed. */
  private commit(): boolean {
    if (!this.at) return false;
    const { row } = this.at;
    const column = this.columns[this.at.column]!;
    const before = row.cells[column.name] ?? { text: "", ids: {} };
    let text = this.box.value.trim();
    if (column.kind === "date" || column.kind === "month") text = dayText(text, column.kind);
    if (text === before.text) return false;
    row.cells[column.name] = { text, ids: before.ids };
    changed(row);
    this.keepSoon();
    this.count();
    return true;
  }

  private leave(): void {
    if (!this.at) return;
    this.commit();
    const { row } = this.at;
    this.at = null;
    this.closeList();
    this.paint(row);
    if (row.state === "new" && isFilled(row)) this.checkSoon();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing || !this.at) return;
    const { row, column } = this.at;
    const place = this.rows.indexOf(row);
    const isOpen = this.options.isOpen && !this.options.isEmpty;
    const atStart = this.box.selectionStart === 0 && this.box.selectionEnd === (this.isTyped ? 0 : this.box.value.length);
    const atEnd = this.box.selectionEnd === this.box.value.length;
    const pressed = event.key;
    if (pressed === "Enter" && (event.ctrlKey || event.metaKey)) void this.preview();
    else if (pressed === "Enter" || pressed === "Tab") {
      const back = event.shiftKey;
      if (isOpen && this.isTyped && !back && this.options.marked) this.choose(this.options.marked);
      if (back) this.move(place, column - 1);
      else this.move(place, column + 1);
    } else if (isOpen && (pressed === "ArrowDown" || pressed === "ArrowUp") && (this.isTyped || event.altKey || row.choices[this.columns[column]!.name])) {
      // Into the list where something was typed or is asked back, or with Alt as in Excel; else arrows move between rows.
      if (this.isTyped) this.options.step(pressed === "ArrowDown" ? 1 : -1);
      else this.options.mark(0);
      this.isTyped = true;
    } else if (pressed === "ArrowDown") this.move(place + 1, column);
    else if (pressed === "ArrowUp") this.move(place - 1, column);
    else if (pressed === "ArrowRight" && atEnd && !event.shiftKey) this.move(place, column + 1);
    else if (pressed === "ArrowLeft" && atStart && !event.shiftKey) this.move(place, column - 1);
    else if (pressed === "Escape") {
      if (!this.options.isOpen) this.box.value = row.cells[this.columns[column]!.name]?.text ?? "";
      this.isTyped = false;
      this.closeList();
    } else if ((event.ctrlKey || event.metaKey) && pressed.toLowerCase() === "d" && place > 0) {
      const above = this.rows[place - 1]!.cells[this.columns[column]!.name];
      if (above) {
        row.cells[this.columns[column]!.name] = { text: above.text, ids: { ...above.ids } };
        changed(row);
        this.box.value = above.text;
        this.keepSoon();
        this.move(place, column + 1);
      }
    } else return;
    event.preventDefault();
  }

  /** To a cell; beyond the row's ends to the next or the one before, beyond the last row to a new one. */
  private move(place: number, column: number): void {
    const width = this.columns.length;
    if (column < 0) [place, column] = place > 0 ? [place - 1, width - 1] : [0, 0];
    if (column >= width) [place, column] = [place + 1, 0];
    if (place < 0) return;
    if (place >= this.rows.length && !this.addRow(false)) place = this.rows.length - 1;
    this.edit(this.rows[place]!, column);
  }

  private addRow(goThere: boolean): boolean {
    if (this.rows.length >= this.setting.most) {
      this.tell(this.say("most", { n: this.setting.most }), "warning");
      return false;
    }
    const row = newRow();
    this.rows.push(row);
    this.body.append(this.lineOf(row));
    if (goThere) this.edit(row, 0);
    return true;
  }

  // ---- lists under the editor
  private offer(): void {
    if (!this.at) return;
    const { row } = this.at;
    const column = this.columns[this.at.column]!;
    if (column.ref) {
      window.clearTimeout(this.timers["ask"]);
      this.timers["ask"] = window.setTimeout(() => void this.ask(row, column), WAIT_MS);
    } else if (column.options.length > 0) {
      const over = this.columns.find((one) => one.name === column.above);
      const options = column.options.map(([code, word, letters]) => ({ code, word, letters }));
      const typed = this.isTyped ? this.lastPart(column) : "";
      const left = found(over ? under(options, codesOf(over, row.cells[over.name])) : options, typed);
      const same = new Set(left.filter((one, place) => left.findIndex((other) => other.word === one.word) !== place).map((one) => one.word));
      this.show(left.map((one) => ({ value: one.code, words: one.word, hint: same.has(one.word) ? one.code : "" })));
    }
  }

  private lastPart(column: Column): string {
    return column.many ? (this.box.value.split(BETWEEN_WORDS).pop() ?? "") : this.box.value;
  }

  private async ask(row: Row, column: Column): Promise<void> {
    const text = this.isTyped ? this.lastPart(column).trim() : "";
    const over = this.columns.find((one) => one.name === column.within);
    const holder = over ? meaning(over, row.cells[over.name] ?? { text: "", ids: {} }).ids[0] : undefined;
    if (!text && !holder) return this.closeList();
    const query = new URLSearchParams({ q: text });
    if (holder) query.set("household", holder);
    const mine = ++this.asked;
    const answer = await get(`${this.setting.choices.replace("household", column.ref)}?${query}`).catch(() => null);
    if (answer?.status === 401) return this.expired();
    if (!answer?.ok || mine !== this.asked || this.at?.row !== row || this.columns[this.at.column] !== column) return;
    this.show(((await answer.json()) as { choices: Choice[] }).choices);
  }

  private show(offers: readonly Offered[]): void {
    this.options.show(offers, this.isTyped ? this.say("nothing") : undefined);
  }

  /** Below the editor, or above it where there is more room. */
  private layList(): void {
    const room = this.box.getBoundingClientRect();
    const below = window.innerHeight - room.bottom;
    this.list.style.left = `${Math.min(room.left, window.innerWidth - 260)}px`;
    this.list.style.width = `${Math.max(room.width, 250)}px`;
    this.list.style.maxHeight = `${Math.max(120, Math.min(290, Math.max(below, room.top) - 12))}px`;
    this.list.style.top = below > 160 || below > room.top ? `${room.bottom}px` : "auto";
    this.list.style.bottom = below > 160 || below > room.top ? "auto" : `${window.innerHeight - room.top}px`;
  }

  /** With the mouse, and on. */
  private pick(offer: Offered): void {
    this.choose(offer);
    if (this.at) this.move(this.rows.indexOf(this.at.row), this.at.column + 1);
  }

  /** A word of the list into the cell; of a cell for several, after those that are there. */
  private choose(offer: Offered): void {
    if (!this.at) return;
    const { row } = this.at;
    const column = this.columns[this.at.column]!;
    const before = row.cells[column.name] ?? { text: "", ids: {} };
    let words = offer.words;
    if (before.ids[words] !== undefined && before.ids[words] !== offer.value && column.many) words = this.say("with_unit", { title: words, unit: offer.value.slice(-4) });
    const parts = column.many ? this.box.value.split(BETWEEN_WORDS).slice(0, -1).map((part) => part.trim()).filter((part) => part && part !== words) : [];
    const text = [...parts, words].join(WORDS_JOINED_BY);
    row.cells[column.name] = { text, ids: { ...before.ids, [words]: offer.value } };
    this.box.value = text;
    this.isTyped = false;
    if (text !== before.text || before.ids[words] !== offer.value) changed(row);
    this.keepSoon();
    this.count();
    this.closeList();
  }

  private closeList(): void {
    this.asked++;
    this.options.close();
  }

  // ---- paste, undo, rows away
  private onPaste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!this.at || !/[\t\n\r]/.test(text.replace(/[\r\n]+$/, ""))) return;
    event.preventDefault();
    const cells = cellsOf(text.replace(/\r?\n$/, ""));
    const spans = spansOf(event.clipboardData?.getData("text/html") ?? "", cells.length);
    this.put(readBlock(cells, this.columns, this.at.column, spans, (n) => this.say("nth", { n })));
  }

  private put(pasted: Pasted): void {
    if (!this.at) return;
    const start = this.rows.indexOf(this.at.row);
    const room = this.setting.most - start;
    const rows = pasted.rows.slice(0, room);
    const over = pasted.rows.slice(room);
    this.remember();
    this.box.value = this.at.row.cells[this.columns[this.at.column]!.name]?.text ?? "";
    this.at = null;
    rows.forEach((cells, place) => {
      const row = (this.rows[start + place] ??= newRow());
      for (const [name, given] of Object.entries(cells)) {
        const column = this.columns.find((one) => one.name === name)!;
        row.cells[name] = { text: column.kind === "date" || column.kind === "month" ? dayText(given, column.kind) : given, ids: {} };
      }
      changed(row);
    });
    this.paintAll();
    const told = [this.say("pasted", { n: rows.length })];
    if (pasted.hasHeader) told.push(this.say("by_header"));
    if (pasted.blank > 0) told.push(this.say("blank", { n: pasted.blank }));
    if (pasted.skipped.length > 0) told.push(this.say("skipped", { n: pasted.skipped.length, what: pasted.skipped.slice(0, 3).join(this.say("and_then")).slice(0, 80) }));
    if (pasted.surplus.length > 0) told.push(this.say("surplus", { n: pasted.surplus.length, what: pasted.surplus.join(this.say("and_also")) }));
    if (over.length > 0) told.push(this.say("over", { n: over.length, most: this.setting.most }));
    const left = [pasted.leftOver, ...over.map((cells) => this.columns.map((column) => cells[column.name] ?? "").join("\t"))].filter(Boolean).join("\n");
    this.tell(told.join(""), pasted.surplus.length > 0 || over.length > 0 ? "warning" : "info");
    this.leaveOver(left);
    this.keep();
    this.edit(this.rows[start]!, 0);
    this.checkSoon();
  }

  private leaveOver(text: string): void {
    const box = this.root.querySelector<HTMLDetailsElement>("[data-part=left-over]")!;
    box.hidden = text === "";
    box.querySelector("textarea")!.value = text;
  }

  private remember(): void {
    this.undos.push(JSON.stringify(this.rows.filter(isFilled)));
    if (this.undos.length > UNDOS) this.undos.shift();
  }

  private undo(): void {
    const before = this.undos.pop();
    if (before === undefined) return;
    this.at = null;
    this.rows = JSON.parse(before) as Row[];
    while (this.rows.length < EMPTY_ROWS) this.rows.push(newRow());
    this.paintAll();
    this.tell("", "info");
    this.keep();
    this.edit(this.rows[0]!, 0);
    this.checkSoon();
  }

  private clear(): void {
    if (this.filled().length === 0) return;
    this.remember();
    this.start();
    this.tell(this.say("cleared"), "info");
  }

  private start(): void {
    this.at = null;
    this.rows = Array.from({ length: EMPTY_ROWS }, () => newRow());
    this.paintAll();
    this.keep();
    this.edit(this.rows[0]!, 0);
  }

  private removeRow(row: Row): void {
    this.leave();
    if (isFilled(row)) this.remember();
    const place = this.rows.indexOf(row);
    this.rows.splice(place, 1);
    this.lines.get(row.id)?.remove();
    this.lines.delete(row.id);
    if (this.rows.length === 0) this.addRow(false);
    this.number();
    this.count();
    this.keep();
    this.edit(this.rows[Math.min(place, this.rows.length - 1)]!, 0);
  }

  private allSure(): void {
    this.sure(this.rows.filter((row) => row.state === "doubtful"));
  }

  private sure(rows: readonly Row[]): void {
    for (const row of rows) {
      row.sure = true;
      row.doubts = [];
      row.state = "good";
      this.paint(row);
    }
    this.count();
  }

  private nextFault(): void {
    const from = this.at ? this.rows.indexOf(this.at.row) * 100 + this.at.column : -1;
    const places = this.rows.flatMap((row, place) => Object.keys(row.faults).map((name) => ({ place, column: Math.max(0, this.columns.findIndex((column) => column.name === name)) })));
    const next = places.find((one) => one.place * 100 + one.column > from) ?? places[0];
    if (next) this.edit(this.rows[next.place]!, next.column);
  }

  // ---- the draft
  private stored(): string | null {
    try {
      return localStorage.getItem(this.key);
    } catch {
      return null;
    }
  }

  private keepSoon(): void {
    window.clearTimeout(this.timers["keep"]);
    this.timers["keep"] = window.setTimeout(() => this.keep(), CHECK_MS);
  }

  private keep(): void {
    window.clearTimeout(this.timers["keep"]);
    if (this.at) this.commit();
    const draft = draftOf(this.rows, this.columns);
    try {
      if (draft) localStorage.setItem(this.key, draft);
      else localStorage.removeItem(this.key);
    } catch {
      this.tell(this.say("not_kept"), "warning");
    }
  }

  // ---- the server
  private checkSoon(): void {
    window.clearTimeout(this.timers["check"]);
    this.timers["check"] = window.setTimeout(() => void this.checkWaiting(), CHECK_MS);
  }

  private async checkWaiting(): Promise<void> {
    if (this.isChecking) return this.checkSoon();
    const waiting = this.rows.filter((row) => row.state === "new" && isFilled(row) && row !== this.at?.row).slice(0, AT_ONCE);
    if (waiting.length === 0) return;
    this.isChecking = true;
    const done = await this.check(waiting);
    this.isChecking = false;
    if (done && this.rows.some((row) => row.state === "new" && isFilled(row) && row !== this.at?.row)) this.checkSoon();
  }

  private async check(rows: readonly Row[]): Promise<boolean> {
    const editions = new Map(rows.map((row) => [row.id, row.edition]));
    const answer = await this.post(this.setting.check, rows, {});
    if (answer === null) return false;
    this.takeAll(answer.rows, editions);
    return true;
  }

  private takeAll(answers: readonly Answer[], editions: ReadonlyMap<string, number>): void {
    const byId = new Map(this.rows.map((row) => [row.id, row]));
    for (const answer of answers) {
      const row = byId.get(answer.id);
      if (!row || !take(row, answer, editions.get(answer.id) ?? -1)) continue;
      if (this.at?.row === row && !this.isTyped) this.box.value = row.cells[this.columns[this.at.column]!.name]?.text ?? "";
      this.paint(row);
    }
    this.count();
  }

  /** Null where nothing came back; the person was told why, and everything stays. */
  private async post(url: string, rows: readonly Row[], more: Record<string, unknown>): Promise<{ rows: Answer[]; kept: number } | null> {
    const body = JSON.stringify({ rows: rows.map((row) => toSend(this.columns, row, this.rows.indexOf(row) + 1)), ...more });
    const answer = await fetch(url, {
      method: "POST",
      headers: { "X-CSRFToken": csrfToken(), Accept: "application/json", "Content-Type": "application/json" },
      body,
      credentials: "same-origin",
    }).catch(() => null);
    if (answer === null) return this.tell(this.say("offline"), "warning"), null;
    if (answer.status === 401 || answer.status === 403) return this.expired(), null;
    const said = (await answer.json().catch(() => null)) as { rows?: Answer[]; kept?: number; message?: string } | null;
    if (!said?.rows) return this.tell(said?.message ?? this.say("broken"), "danger"), null;
    return { rows: said.rows, kept: said.kept ?? 0 };
  }

  private expired(): void {
    this.keep();
    this.tell(this.say("expired"), "warning", { words: this.say("sign_in"), url: this.setting.signIn });
  }

  /** Check everything, say how many are good, let the person decide. */
  private async preview(): Promise<void> {
    this.leave();
    const rows = this.filled();
    if (rows.length === 0) return;
    this.tell(this.say("checking", { n: rows.length }), "info");
    if (!(await this.check(rows))) return;
    this.tell("", "info");
    const good = rows.filter((row) => row.state === "good");
    const [faulty, doubtful] = [rows.filter((row) => row.state === "faulty").length, rows.filter((row) => row.state === "doubtful").length];
    const dialog = this.root.querySelector<HTMLDialogElement>("dialog")!;
    const parts = [this.say("count_good", { n: good.length }), faulty > 0 ? this.say("count_faulty", { n: faulty }) : "", doubtful > 0 ? this.say("count_doubtful", { n: doubtful }) : ""].filter(Boolean);
    dialog.querySelector("[data-part=facts]")!.textContent = parts.join(this.say("and_also"));
    const act = dialog.querySelector<HTMLButtonElement>("[value=act]")!;
    act.hidden = good.length === 0;
    act.textContent = faulty + doubtful > 0 ? this.say("save_good", { n: good.length }) : this.say("save_all", { n: good.length });
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue === "act") void this.save(rows, faulty + doubtful > 0);
        else if (faulty > 0) this.nextFault();
        else this.edit(rows[0]!, 0);
      },
      { once: true },
    );
    dialog.returnValue = "leave";
    dialog.showModal();
    (good.length > 0 ? act : dialog.querySelector<HTMLButtonElement>("[value=leave]")!).focus();
  }

  private async save(rows: readonly Row[], onlyGood: boolean): Promise<void> {
    const editions = new Map(rows.map((row) => [row.id, row.edition]));
    this.tell(this.say("saving", { n: rows.length }), "info");
    const answer = await this.post(this.setting.save, rows, { only_good: onlyGood });
    if (answer === null) return;
    const kept = new Set(answer.rows.filter((row) => row.kept).map((row) => row.id));
    this.takeAll(answer.rows.filter((row) => !row.kept), editions);
    this.at = null;
    this.undos = [];
    this.rows = this.rows.filter((row) => !kept.has(row.id));
    while (this.rows.length < EMPTY_ROWS) this.rows.push(newRow());
    this.paintAll();
    this.keep();
    const left = this.filled().length;
    if (kept.size === 0) this.tell(this.say("none_saved"), "danger");
    else this.tell(this.say("saved", { n: kept.size }) + (left > 0 ? this.say("still_left", { n: left }) : ""), left > 0 ? "warning" : "success", { words: this.say("see_list"), url: this.root.dataset["list"] ?? "" });
    if (left === 0) this.leaveOver("");
    if (this.rows.some((row) => row.state === "faulty")) this.nextFault();
    else this.edit(this.rows[0]!, 0);
  }

  /** Rows of the last period, ready to be completed. */
  private async carry(event: Event): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const query = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
    const answer = await get(`${this.setting.carry}?${query}`).catch(() => null);
    if (answer?.status === 401) return this.expired();
    const said = (await answer?.json().catch(() => null)) as { rows?: Record<string, Cell>[]; message?: string } | null;
    if (!said?.rows) return this.tell(said?.message ?? this.say("offline"), "warning");
    if (said.rows.length === 0) return this.tell(said.message ?? "", "info");
    this.remember();
    this.leave();
    const kept = this.filled();
    this.rows = [...kept, ...said.rows.map((cells) => newRow(cells))].slice(0, this.setting.most);
    this.paintAll();
    this.keep();
    this.tell(said.message ?? "", "info");
    this.edit(this.rows[kept.length] ?? this.rows[0]!, 1);
    this.checkSoon();
  }
}
