/**
 * A register's form from the keyboard alone: Enter goes on to the next field, Ctrl+Enter registers and begins another, words of lists are found by
 * their first letters, days are typed as eight digits. Without this script the form works with its plain controls.
 */
import { Options } from "./options";
import { dayText, found, type Option, under } from "./pick";

export function openRegisterForms(): void {
  const form = document.querySelector<HTMLFormElement>("form.register-form");
  if (!form) return;
  const byThumb = window.matchMedia("(pointer: coarse)").matches;
  // The phone's own list is easier for the thumb.
  if (!byThumb) form.querySelectorAll<HTMLSelectElement>("select[data-letters]").forEach((select) => new WordBox(select));
  form.querySelectorAll<HTMLInputElement>("input[data-day]").forEach(typeDays);
  form.querySelectorAll<HTMLElement>("[data-options]").forEach(tickByLetters);
  form.addEventListener("keydown", (event) => onKey(form, event));
  const faulty = form.querySelector<HTMLElement>("input[aria-invalid], select[aria-invalid]:not([hidden]), textarea[aria-invalid]");
  if (!byThumb) (faulty ?? stops(form)[0])?.focus();
}

/** Where Enter stops: one per field (of a group of words the chosen or first one), then the button. */
function stops(form: HTMLFormElement): HTMLElement[] {
  const all = [...form.querySelectorAll<HTMLElement>("input:not([type=hidden]), select, textarea, button[type=submit]")];
  return all.filter((one) => {
    if (one.offsetParent === null || one.tabIndex < 0) return false;
    if (!(one instanceof HTMLInputElement) || !/^(radio|checkbox)$/.test(one.type)) return true;
    const group = [...form.querySelectorAll<HTMLInputElement>(`input[name="${CSS.escape(one.name)}"]`)];
    return (one.type === "radio" && group.find((other) => other.checked)) === one || (!group.some((other) => other.checked && other.type === "radio") && group[0] === one);
  });
}

function onKey(form: HTMLFormElement, event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit(form.querySelector<HTMLButtonElement>("button[name=then]") ?? undefined);
    return;
  }
  const here = event.target as HTMLElement;
  if (here instanceof HTMLButtonElement || (here instanceof HTMLTextAreaElement && event.shiftKey)) return;
  event.preventDefault();
  goOn(form, here);
}

function goOn(form: HTMLFormElement, here: HTMLElement): void {
  const field = here.closest(".register-field, .alert") ?? here;
  const next = stops(form).find((one) => field.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !field.contains(one));
  next?.focus();
  if (next instanceof HTMLInputElement && next.type !== "radio" && next.type !== "checkbox") next.select();
}

/** A day is typed at the desk and picked with the thumb on a phone. */
function typeDays(input: HTMLInputElement): void {
  if (window.matchMedia("(pointer: coarse)").matches) {
    const kind = input.dataset["day"] as "date" | "month";
    if (!input.value || (kind === "date" ? /^\d{4}-\d\d-\d\d$/ : /^\d{4}-\d\d$/).test(input.value)) input.type = kind;
    return;
  }
  input.addEventListener("change", () => {
    input.value = dayText(input.value, input.dataset["day"] as "date" | "month");
  });
}

/** Words shown all at once: their first letter, or their number, ticks them. */
function tickByLetters(group: HTMLElement): void {
  const boxes = [...group.querySelectorAll<HTMLInputElement>("input")];
  group.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1 || event.key === " ") return;
    const key = event.key.toLowerCase();
    const byLetter = boxes.filter((box) => box.dataset["letters"]?.startsWith(key) || box.parentElement?.textContent?.trim().toLowerCase().startsWith(key));
    // Of several with the same first letter the next one each time.
    const at = byLetter.indexOf(document.activeElement as HTMLInputElement);
    const box = /\d/.test(key) ? boxes[Number(key) - 1] : byLetter[(byLetter[at]?.checked ? at + 1 : Math.max(at, 0)) % (byLetter.length || 1)];
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.checked = box.type === "radio" ? true : !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

/** A long list of words as a box that searches it; the select behind it stays what is sent. */
class WordBox {
  private readonly box = document.createElement("input");
  private readonly words: Option[];
  private readonly options: Options<Option>;

  constructor(private readonly select: HTMLSelectElement) {
    this.words = [...select.options].filter((one) => one.value).map((one) => ({ code: one.value, word: one.text, letters: one.dataset["letters"] ?? "" }));
    const root = document.createElement("div");
    root.className = "chooser";
    Object.assign(this.box, { className: "form-control", autocomplete: "off", id: select.id, value: this.wordOf(select.value) });
    this.box.placeholder = select.dataset["hint"] ?? "";
    for (const name of ["aria-invalid", "aria-describedby"]) if (select.hasAttribute(name)) this.box.setAttribute(name, select.getAttribute(name)!);
    this.box.setAttribute("role", "combobox");
    this.box.setAttribute("aria-autocomplete", "list");
    this.box.setAttribute("aria-expanded", "false");
    const list = document.createElement("ul");
    list.className = "options";
    list.id = `options-${select.name}`;
    list.setAttribute("role", "listbox");
    list.hidden = true;
    this.options = new Options<Option>(this.box, list, (option) => [option.word], (option) => this.take(option));
    this.box.setAttribute("aria-controls", list.id);
    select.id = `held-${select.name}`;
    select.hidden = true;
    select.before(root);
    root.append(this.box, list, select);
    this.box.addEventListener("input", () => this.open(this.box.value));
    this.box.addEventListener("focus", () => this.box.select());
    this.box.addEventListener("click", () => this.open(""));
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("blur", () => this.settle());
  }

  private wordOf(code: string): string {
    return this.words.find((option) => option.code === code)?.word ?? "";
  }

  private open(typed: string): void {
    const above = this.select.form?.elements.namedItem(this.select.dataset["above"] ?? "");
    const held = above instanceof HTMLSelectElement || above instanceof RadioNodeList || above instanceof HTMLInputElement ? [above.value] : [];
    this.options.show(found(under(this.words, held), typed), this.select.dataset["nothing"] ?? "");
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.options.isOpen) this.open("");
      else this.options.step(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter" && this.options.marked) {
      this.take(this.options.marked); // and Enter goes on
    } else if (event.key === "Escape" && this.options.isOpen) {
      this.box.value = this.wordOf(this.select.value);
      this.options.close();
      event.preventDefault();
    }
  }

  private take(option: Option): void {
    this.select.value = option.code;
    this.box.value = option.word;
    this.options.close();
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Left with Tab: the marked word counts; what means no word of the list is not kept in the box. */
  private settle(): void {
    const typed = this.box.value.trim();
    if (!typed) this.select.value = "";
    else if (typed !== this.wordOf(this.select.value)) {
      if (this.options.marked) this.take(this.options.marked);
      else this.box.value = this.wordOf(this.select.value);
    }
    this.options.close();
  }
}
