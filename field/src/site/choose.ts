/**
 * A reference is chosen by search: typing asks the server, the list is walked with the arrow keys, what was chosen stands above the box. Of one
 * reference only, typing again replaces it.
 * Without this script the typed text is sent and the server asks back where it means several things.
 */
interface Choice {
  readonly value: string;
  readonly words: string;
  readonly hint: string;
}

const WAIT_MS = 200;

export function chooseReferences(): void {
  document.querySelectorAll<HTMLElement>(".chooser").forEach((chooser) => new Chooser(chooser));
}

class Chooser {
  private readonly box: HTMLInputElement;
  private readonly list: HTMLUListElement;
  private readonly chosen: HTMLUListElement;
  private readonly many: boolean;
  private timer = 0;
  private asked = 0;
  private at = -1;

  constructor(private readonly root: HTMLElement) {
    this.box = root.querySelector<HTMLInputElement>("input[role=combobox]")!;
    this.list = root.querySelector<HTMLUListElement>(".options")!;
    this.chosen = root.querySelector<HTMLUListElement>(".chosen")!;
    this.many = root.dataset["many"] !== undefined;
    this.chosen.querySelectorAll("li").forEach((item) => this.removable(item));
    this.box.addEventListener("input", () => this.askSoon());
    this.box.addEventListener("focus", () => {
      if (root.dataset["within"]) this.askSoon();
    });
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("change", () => this.replace());
    this.box.form?.addEventListener("submit", () => this.replace());
    this.box.addEventListener("blur", () => window.setTimeout(() => this.close(), WAIT_MS));
    this.showBox();
  }

  private askSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), WAIT_MS);
  }

  private async ask(): Promise<void> {
    const within = this.root.dataset["within"];
    const holder = within ? document.querySelector<HTMLInputElement>(`input[name="${within}.id"]`) : null;
    const text = this.box.value.trim();
    if (!text && !holder?.value) return this.close();
    const query = new URLSearchParams({ q: text });
    if (holder?.value) query.set("household", holder.value);
    const mine = ++this.asked;
    const answer = await fetch(`${this.root.dataset["choices"]!}?${query}`, { credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || mine !== this.asked) return;
    this.show(((await answer.json()) as { choices: Choice[] }).choices);
  }

  private show(choices: readonly Choice[]): void {
    this.at = -1;
    this.list.replaceChildren(
      ...choices.map((choice, place) => {
        const item = document.createElement("li");
        item.id = `${this.list.id}-${place}`;
        item.setAttribute("role", "option");
        item.textContent = choice.words;
        const hint = document.createElement("span");
        hint.className = "text-secondary";
        hint.textContent = ` ${choice.hint}`;
        item.append(hint);
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.take(choice);
        });
        return item;
      }),
    );
    if (choices.length === 0) {
      const nothing = document.createElement("li");
      nothing.className = "text-secondary";
      nothing.textContent = this.root.dataset["nothing"] ?? "";
      this.list.append(nothing);
    }
    this.options = choices;
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    if (choices.length > 0) this.mark(0);
  }

  private options: readonly Choice[] = [];

  private mark(place: number): void {
    const items = this.list.querySelectorAll<HTMLLIElement>("[role=option]");
    items[this.at]?.removeAttribute("aria-selected");
    this.at = (place + items.length) % items.length;
    const item = items[this.at];
    item?.setAttribute("aria-selected", "true");
    item?.scrollIntoView({ block: "nearest" });
    if (item) this.box.setAttribute("aria-activedescendant", item.id);
  }

  private onKey(event: KeyboardEvent): void {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.options.length > 0) this.mark(this.at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && this.options[this.at]) {
      this.take(this.options[this.at]!);
    } else if (event.key === "Escape") {
      this.close();
    } else return;
    event.preventDefault();
  }

  private take(choice: Choice): void {
    if (!this.many) this.chosen.replaceChildren();
    const taken = [...this.chosen.querySelectorAll<HTMLInputElement>("input")].some((input) => input.value === choice.value);
    if (!taken) {
      const item = document.createElement("li");
      const held = document.createElement("input");
      held.type = "hidden";
      held.name = `${this.root.dataset["name"]!}.id`;
      held.value = choice.value;
      item.append(choice.words, held);
      this.removable(item);
      this.chosen.append(item);
    }
    this.box.value = "";
    this.close();
    this.showBox();
    if (!this.many) this.next();
  }

  /** On to the next field, as after any other answer. */
  private next(): void {
    const fields = [...(this.box.form?.querySelectorAll<HTMLElement>("input:not([type=hidden]), select, textarea, button[type=submit]") ?? [])].filter(
      (field) => field.offsetParent !== null,
    );
    const after = fields.find((field) => this.root.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_FOLLOWING && !this.root.contains(field));
    after?.focus();
  }

  private removable(item: HTMLLIElement): void {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link btn-sm";
    button.textContent = this.root.dataset["remove"] ?? "";
    button.addEventListener("click", () => {
      item.remove();
      this.showBox();
      this.box.focus();
    });
    item.append(button);
  }

  /** What is typed beside a chosen reference means another one: it is looked up by the server. */
  private replace(): void {
    if (!this.many && this.box.value.trim()) this.chosen.replaceChildren();
    this.showBox();
  }

  private showBox(): void {
    const hint = (this.root.dataset["hint"] ??= this.box.placeholder);
    this.box.placeholder = !this.many && this.chosen.childElementCount > 0 ? (this.root.dataset["another"] ?? "") : hint;
  }

  private close(): void {
    this.asked++;
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }
}
