/**
 * A reference is chosen by search: typing asks the server, the list is walked with the arrow keys, what was chosen stands above the box. Of one
 * reference only, typing again replaces it.
 * Without this script the typed text is sent and the server asks back where it means several things.
 */
import { hint, Options } from "./options";
import { get } from "./requests";

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
  private readonly options: Options<Choice>;
  private readonly chosen: HTMLUListElement;
  private readonly many: boolean;
  private timer = 0;
  private asked = 0;

  constructor(private readonly root: HTMLElement) {
    this.box = root.querySelector<HTMLInputElement>("input[role=combobox]")!;
    const list = root.querySelector<HTMLUListElement>(".options")!;
    this.options = new Options<Choice>(this.box, list, (choice) => [choice.words, hint(` ${choice.hint}`)], (choice) => this.take(choice));
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
    const answer = await get(`${this.root.dataset["choices"]!}?${query}`).catch(() => null);
    if (!answer?.ok || mine !== this.asked) return;
    this.options.show(((await answer.json()) as { choices: Choice[] }).choices, this.root.dataset["nothing"] ?? "");
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.options.isOpen) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.options.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && this.options.marked) {
      this.take(this.options.marked);
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
    this.options.close();
  }
}
