/**
 * The rule editor: names are offered while one types, by their own letters or by the words people know them by, and what is wrong with a
 * condition is shown below it with its place. Without this script the form says the same when it is sent.
 */
import { post } from "./requests";

interface Named {
  readonly name: string;
  readonly words: string;
}
interface Counted extends Named {
  readonly table: string;
}
/**
 * What a condition may name (workshop.services.names_of): `relations` by subject, "" of those that count a household's rows; `belongs` are the
 * tables whose rows may ask their household as well, `last` those with last year's row beside, `places` the subjects below which only this year counts.
 */
interface Names {
  readonly tables: Readonly<Record<string, readonly Named[]>>;
  readonly relations: Readonly<Record<string, readonly Counted[]>>;
  readonly belongs: readonly string[];
  readonly last: readonly string[];
  readonly places: readonly string[];
  readonly common: readonly Named[];
}
interface Told {
  readonly message: string;
  readonly before: string;
  readonly at: string;
  readonly after: string;
}

const WAIT_MS = 400;
const MOST = 12;
/** What stands before the cursor and may become a name: letters, or the Chinese word for it. */
const TYPED = /[a-zA-Z_.][a-zA-Z0-9_.]*$|[\u3400-\u9fff]+$/u;

export function editRules(form: HTMLFormElement): void {
  const source = document.getElementById(form.dataset["names"]!);
  const names = JSON.parse(source!.textContent!) as Names;
  const subject = form.querySelector<HTMLSelectElement>("select[name=subject]")!;
  const editors = [...form.querySelectorAll<HTMLTextAreaElement>("textarea[data-expression]")].map(
    (box) => new Editor(form, box, (before) => namesAt(names, subject.value, before), () => subject.value),
  );
  subject.addEventListener("change", () => editors.forEach((editor) => editor.checkSoon()));
}

/** What may be named after `before`: items of the subject, within `any(loans, …` those of a loan; of its household, of
 * last year; what may be counted; and what may stand anywhere. */
export function namesAt(names: Names, subject: string, before: string): readonly Named[] {
  const counted = names.relations[subject] ?? names.relations[""] ?? [];
  const relation = relationAt(before);
  const within = counted.find((one) => one.name === relation);
  const table = within?.table ?? subject;
  const ofPlace = names.places.includes(subject);
  const offered = (from: string, prefix: string) => (names.tables[from] ?? []).map((one) => ({ ...one, name: prefix + one.name }));
  const own = table === subject || subject === "household" || ofPlace ? [] : offered(subject, "own.");
  const household = names.belongs.includes(table) ? offered("household", "household.") : [];
  const last = names.last.includes(table) && !(ofPlace && within) ? offered(table, "last.") : [];
  return [...offered(table, ""), ...(within ? [] : counted), ...names.common, ...own, ...household, ...last];
}

/** The relation of the innermost call that is still open at the end of the text; "" where there is none. */
function relationAt(before: string): string {
  let depth = 0;
  for (let at = before.length - 1; at >= 0; at--) {
    if (before[at] === ")") depth++;
    if (before[at] !== "(" || depth-- > 0) continue;
    const relation = /^\(\s*([a-z_]+)\s*,/.exec(before.slice(at))?.[1];
    if (relation && /[a-z]\s*$/.test(before.slice(0, at))) return relation;
    depth = 0;
  }
  return "";
}

class Editor {
  private readonly list: HTMLUListElement;
  private readonly told: HTMLElement;
  private offered: readonly Named[] = [];
  private at = -1;
  private timer = 0;
  private asked = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly box: HTMLTextAreaElement,
    private readonly names: (before: string) => readonly Named[],
    private readonly subject: () => string,
  ) {
    const holder = box.closest(".rule-text")!;
    this.list = holder.querySelector<HTMLUListElement>(".options")!;
    this.told = holder.querySelector<HTMLElement>(".told")!;
    box.addEventListener("input", () => {
      this.offer();
      this.checkSoon();
    });
    box.addEventListener("keydown", (event) => this.onKey(event));
    box.addEventListener("blur", () => window.setTimeout(() => this.close(), 200));
  }

  checkSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.check(), WAIT_MS);
  }

  private before(): string {
    return this.box.value.slice(0, this.box.selectionStart);
  }

  private typed(): string {
    return TYPED.exec(this.before())?.[0] ?? "";
  }

  private offer(): void {
    const typed = this.typed();
    const lower = typed.toLowerCase();
    this.offered = typed ? this.names(this.before()).filter((one) => one.name !== typed && (one.name.includes(lower) || one.words.includes(typed))).slice(0, MOST) : [];
    this.at = -1;
    this.list.replaceChildren(
      ...this.offered.map((one) => {
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.textContent = one.name;
        const words = document.createElement("span");
        words.className = "text-secondary";
        words.textContent = ` ${one.words}`;
        item.append(words);
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.take(one);
        });
        return item;
      }),
    );
    this.list.hidden = this.offered.length === 0;
  }

  private onKey(event: KeyboardEvent): void {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const last = this.offered.length - 1;
      this.at = event.key === "ArrowDown" ? Math.min(last, this.at + 1) : Math.max(-1, this.at - 1);
      [...this.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === this.at)));
    } else if ((event.key === "Enter" || event.key === "Tab") && this.at >= 0) {
      event.preventDefault();
      this.take(this.offered[this.at]!);
    } else if (event.key === "Escape") {
      this.close();
    }
  }

  private take(one: Named): void {
    const end = this.box.selectionStart;
    const start = end - this.typed().length;
    this.box.setRangeText(one.name, start, end, "end");
    this.close();
    this.box.focus();
    this.checkSoon();
  }

  private close(): void {
    this.list.hidden = true;
    this.at = -1;
  }

  private async check(): Promise<void> {
    const text = this.box.value.trim();
    if (!text) return this.told.replaceChildren();
    const mine = ++this.asked;
    const answer = await post(this.form.dataset["check"]!, { text: this.box.value, subject: this.subject() }).catch(() => null);
    if (!answer?.ok || mine !== this.asked) return;
    const { faults } = (await answer.json()) as { faults: Told[] };
    if (faults.length === 0) {
      const sound = document.createElement("div");
      sound.className = "text-success small";
      sound.textContent = `● ${this.form.dataset["sound"]!}`;
      return this.told.replaceChildren(sound);
    }
    this.told.replaceChildren(
      ...faults.map((fault) => {
        const line = document.createElement("div");
        line.className = "field-error";
        line.textContent = fault.message;
        const code = document.createElement("code");
        const mark = document.createElement("mark");
        mark.textContent = fault.at || " ";
        code.append(fault.before, mark, fault.after);
        const place = document.createElement("div");
        place.append(code);
        line.append(place);
        return line;
      }),
    );
  }
}
