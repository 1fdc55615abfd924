/**
 * Fields that take no text: a pad to sign on, photos shown as soon as they are chosen, the place where this phone is. Without this script pictures are
 * uploaded and places typed all the same.
 */
export function openPictureFields(): void {
  document.querySelectorAll<HTMLElement>("[data-sign]").forEach((pad) => new Pad(pad));
  document.querySelectorAll<HTMLElement>("[data-pictures]").forEach(showChosen);
  document.querySelectorAll<HTMLButtonElement>("button[data-locate]").forEach(locate);
}

const INK = "#10182b";
const WIDTH = 4;
const MARGIN = 16;

/** What is drawn is sent as a picture with the form; an untouched pad sends nothing. */
class Pad {
  private readonly canvas: HTMLCanvasElement;
  private readonly sent: HTMLInputElement;
  private readonly again: HTMLButtonElement;
  private readonly empty: HTMLElement;
  private last: { x: number; y: number } | null = null;
  /** Where ink is: left, top, right, bottom. */
  private inked: [number, number, number, number] = [0, 0, 0, 0];

  constructor(root: HTMLElement) {
    this.canvas = root.querySelector("canvas")!;
    this.sent = root.querySelector("input")!;
    this.again = root.querySelector("[data-again]")!;
    this.empty = root.querySelector("[data-empty]")!;
    root.hidden = false;
    this.clear();
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"] as const) this.canvas.addEventListener(end, () => this.end());
    this.again.addEventListener("click", () => this.clear());
  }

  private get pen(): CanvasRenderingContext2D {
    return this.canvas.getContext("2d")!;
  }

  private clear(): void {
    this.pen.fillStyle = "#fff";
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.inked = [this.canvas.width, this.canvas.height, 0, 0];
    this.sent.value = "";
    this.sent.disabled = true;
    this.again.disabled = true;
    this.empty.hidden = false;
  }

  private at(event: PointerEvent): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * this.canvas.width) / box.width, y: ((event.clientY - box.top) * this.canvas.height) / box.height };
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.at(event);
    this.line(this.last, this.last);
  }

  private go(event: PointerEvent): void {
    if (!this.last) return;
    const next = this.at(event);
    this.line(this.last, next);
    this.last = next;
  }

  private line(from: { x: number; y: number }, to: { x: number; y: number }): void {
    Object.assign(this.pen, { strokeStyle: INK, lineWidth: WIDTH, lineCap: "round", lineJoin: "round" });
    this.pen.beginPath();
    this.pen.moveTo(from.x, from.y);
    this.pen.lineTo(to.x, to.y);
    this.pen.stroke();
    const [left, top, right, bottom] = this.inked;
    this.inked = [Math.min(left, to.x), Math.min(top, to.y), Math.max(right, to.x), Math.max(bottom, to.y)];
  }

  /** The signature without the empty part of the pad: it is to be read where it is shown small. */
  private cropped(): HTMLCanvasElement {
    const { width, height } = this.canvas;
    const [left, top] = [Math.max(0, this.inked[0] - MARGIN), Math.max(0, this.inked[1] - MARGIN)];
    const [right, bottom] = [Math.min(width, this.inked[2] + MARGIN), Math.min(height, this.inked[3] + MARGIN)];
    const part = document.createElement("canvas");
    Object.assign(part, { width: Math.max(1, right - left), height: Math.max(1, bottom - top) });
    part.getContext("2d")!.drawImage(this.canvas, left, top, part.width, part.height, 0, 0, part.width, part.height);
    return part;
  }

  private end(): void {
    if (!this.last) return;
    this.last = null;
    this.sent.value = this.cropped().toDataURL("image/png");
    this.sent.disabled = false;
    this.again.disabled = false;
    this.empty.hidden = true;
  }
}

/** What was chosen, before it is uploaded. */
function showChosen(field: HTMLElement): void {
  const input = field.querySelector<HTMLInputElement>("input[type=file]");
  const list = field.querySelector<HTMLElement>("[data-chosen]");
  if (!input || !list) return;
  let shown: string[] = [];
  input.addEventListener("change", () => {
    shown.forEach((url) => URL.revokeObjectURL(url));
    shown = [];
    const files = [...(input.files ?? [])];
    list.hidden = files.length === 0;
    list.replaceChildren(
      ...files.map((file) => {
        const [item, frame, name] = [document.createElement("li"), document.createElement("a"), document.createElement("span")];
        name.dataset["name"] = "";
        name.textContent = file.name;
        if (file.type.startsWith("image/")) {
          const url = URL.createObjectURL(file);
          shown.push(url);
          frame.append(Object.assign(document.createElement("img"), { src: url, alt: file.name }));
        } else frame.append(Object.assign(document.createElement("span"), { className: "is-paper", textContent: "PDF" }));
        item.append(frame, name);
        return item;
      }),
    );
  });
}

const COARSE_M = 50;

/** Latitude and longitude as the field wants them: six decimals are a tenth of a metre. */
export function pointText(latitude: number, longitude: number): string {
  return `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`;
}

/** Only where the browser gives a place: over https, or on this very computer. */
function locate(button: HTMLButtonElement): void {
  const input = document.getElementById(button.dataset["locate"]!) as HTMLInputElement | null;
  const told = document.querySelector<HTMLElement>(`[data-located="${button.dataset["locate"]!}"]`);
  if (!input || !told || !window.isSecureContext || !("geolocation" in navigator)) return;
  const accuracy = document.querySelector<HTMLInputElement>(`[data-accuracy="${button.dataset["locate"]!}"]`);
  const measured = (metres: string): void => {
    if (accuracy) accuracy.value = metres;
  };
  input.addEventListener("input", () => measured("")); // typed by hand: nobody measured it
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    told.textContent = button.dataset["asking"]!;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        input.value = pointText(coords.latitude, coords.longitude);
        measured(coords.accuracy.toFixed(2));
        const words = coords.accuracy > COARSE_M ? button.dataset["coarse"]! : button.dataset["found"]!;
        told.textContent = words.replace("{n}", String(Math.ceil(coords.accuracy)));
        button.disabled = false;
      },
      () => {
        told.textContent = button.dataset["refused"]!;
        button.disabled = false;
      },
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 0 },
    );
  });
}
