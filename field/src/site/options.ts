/** Choices under a box that one types in: shown, walked with the arrow keys, taken with the mouse; the box says which one is marked. */
export class Options<T> {
  private shown: readonly T[] = [];
  private at = -1;

  /** `says`: a choice as the list shows it; `lay`: where the list has a place to find before one of its choices is marked. */
  constructor(
    private readonly box: HTMLInputElement,
    private readonly list: HTMLUListElement,
    private readonly says: (one: T) => (Node | string)[],
    private readonly take: (one: T) => void,
    private readonly lay: () => void = () => undefined,
  ) {}

  get isOpen(): boolean {
    return !this.list.hidden;
  }

  get isEmpty(): boolean {
    return this.shown.length === 0;
  }

  /** What Enter takes; none where nothing is shown. */
  get marked(): T | undefined {
    return this.shown[this.at];
  }

  /** `nothing`: said where there is no choice; without it the list then stays closed. */
  show(choices: readonly T[], nothing?: string): void {
    this.shown = choices;
    this.at = -1;
    this.list.replaceChildren(
      ...choices.map((one, place) => {
        const item = document.createElement("li");
        item.id = `${this.list.id}-${place}`;
        item.setAttribute("role", "option");
        item.append(...this.says(one));
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.take(one);
        });
        return item;
      }),
    );
    if (this.isEmpty && nothing !== undefined) this.list.append(Object.assign(document.createElement("li"), { className: "text-secondary", textContent: nothing }));
    this.list.hidden = this.list.childElementCount === 0;
    this.box.setAttribute("aria-expanded", String(this.isOpen));
    if (!this.isOpen) return;
    this.lay();
    this.mark(0);
  }

  /** On or back by so many, from the last to the first and round. */
  step(by: number): void {
    this.mark(this.at + by);
  }

  mark(place: number): void {
    if (this.isEmpty) return;
    const items = this.list.querySelectorAll<HTMLLIElement>("[role=option]");
    items[this.at]?.removeAttribute("aria-selected");
    this.at = (place + items.length) % items.length;
    const item = items[this.at]!;
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", item.id);
  }

  close(): void {
    this.shown = [];
    this.at = -1;
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }
}

/** The hint that tells same names apart. */
export function hint(text: string): HTMLSpanElement {
  return Object.assign(document.createElement("span"), { className: "text-secondary", textContent: text });
}
