// The county's map as links in SVG: every division is reached with the keyboard, named, coloured by its share and filled with its number.
// Colour is never alone: the percentage stands on the division or, where that is too small, beside its name below; the same numbers are in the table.
import { get } from "./requests";

interface Feature {
  properties: { code: string; name?: string; value?: number };
  geometry: { type: "Polygon"; coordinates: number[][][] } | { type: "MultiPolygon"; coordinates: number[][][][] };
}

interface Divisions {
  features: Feature[];
  is_demo: boolean;
}

const NARROWEST = 260;
const SVG = "http://www.w3.org/2000/svg";

export function drawMaps(): void {
  document.querySelectorAll<HTMLElement>("[data-map]").forEach((box) => {
    box.classList.add("chart-loading");
    void get(box.dataset["map"]!)
      .then((answer) => (answer.ok ? (answer.json() as Promise<Divisions>) : Promise.reject(new Error(String(answer.status)))))
      .then((divisions) => {
        box.classList.remove("chart-loading");
        if (divisions.features.length === 0) box.textContent = box.dataset["empty"] ?? "";
        else box.replaceChildren(...draw(divisions, box));
      })
      .catch(() => {
        box.classList.remove("chart-loading");
        box.textContent = box.dataset["fault"] ?? "";
      });
  });
}

function rings(feature: Feature): number[][][] {
  return feature.geometry.type === "Polygon" ? feature.geometry.coordinates : feature.geometry.coordinates.flat();
}

/** The map, and below it the names of the divisions that are too small for theirs, by the numbers they bear instead. */
function draw(divisions: Divisions, box: HTMLElement): Element[] {
  const points = divisions.features.flatMap((feature) => rings(feature).flat());
  const [west, east] = range(points.map((point) => point[0]!));
  const [south, north] = range(points.map((point) => point[1]!));
  // Equirectangular about the middle: a county is small.
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  // One unit of the picture is one pixel of the page, so that its words are as large as the page's.
  const width = Math.max(box.clientWidth - 8, NARROWEST);
  const letter = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.82;
  const scale = width / Math.max((east - west) * squeeze, 1e-6);
  const height = Math.max((north - south) * scale, 40);
  const place = (point: number[]): [number, number] => [(point[0]! - west) * squeeze * scale, (north - point[1]!) * scale];

  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `-4 -4 ${width + 8} ${height + 8}`);
  svg.setAttribute("class", "map");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", box.getAttribute("aria-label") ?? "");
  box.removeAttribute("role");
  const numbered = document.createElement("ul");
  numbered.className = "map-names";
  for (const feature of divisions.features) {
    const { code, name = "", value } = feature.properties;
    const page = (code.length === 12 ? box.dataset["village"] : box.dataset["township"])!.replace("CODE", code);
    const said = value === undefined ? name : `${name} ${value}%`;
    const link = document.createElementNS(SVG, "a");
    link.setAttribute("href", page);
    link.setAttribute("aria-label", said);
    const outline = document.createElementNS(SVG, "path");
    outline.setAttribute("d", rings(feature).map((ring) => `M${ring.map((point) => place(point).map((n) => n.toFixed(1)).join(",")).join("L")}Z`).join(""));
    outline.setAttribute("class", shade(value, Number(box.dataset["target"] ?? "100")));
    link.append(outline);
    const corners = rings(feature)[0]!.map(place);
    const [x0, x1] = range(corners.map((corner) => corner[0]));
    const [y0, y1] = range(corners.map((corner) => corner[1]));
    // A name stands whole, on two lines where one is too short for it, or as a number: half a village's name may be another village's.
    const high = Math.floor((y1 - y0 - 4) / letter);
    const lines = lettering(name, Math.floor((x1 - x0 - 4) / letter), high - (value === undefined ? 0 : 1));
    if (lines.length === 0 && name) {
      lines.push(String(numbered.children.length + 1));
      numbered.append(named(lines[0]!, said, page));
    }
    if (value !== undefined && high > lines.length) lines.push(`${value}%`);
    lines.forEach((line, at) => link.append(words(line, (x0 + x1) / 2, (y0 + y1) / 2 + letter * (at + 0.85 - lines.length / 2))));
    const title = document.createElementNS(SVG, "title");
    title.textContent = said;
    link.append(title);
    svg.append(link);
  }
  return numbered.children.length > 0 ? [svg, numbered] : [svg];
}

function named(number: string, said: string, page: string): HTMLLIElement {
  const link = document.createElement("a");
  link.href = page;
  link.textContent = said;
  const item = document.createElement("li");
  item.append(`${number} `, link);
  return item;
}

/** A name on at most two lines of `room` characters, `high` lines being there; none where it does not fit whole. */
export function lettering(name: string, room: number, high: number): string[] {
  if (!name || high < 1 || room < 2) return [];
  if (name.length <= room) return [name];
  const half = Math.ceil(name.length / 2);
  return high >= 2 && half <= room ? [name.slice(0, half), name.slice(half)] : [];
}

function words(content: string, x: number, y: number): SVGTextElement {
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("x", x.toFixed(1));
  text.setAttribute("y", y.toFixed(1));
  text.textContent = content;
  return text;
}

/** Four steps against the share expected today: far behind, behind, on time, done. */
function shade(value: number | undefined, target: number): string {
  if (value === undefined) return "is-none";
  if (value >= 100) return "is-3";
  if (value >= target) return "is-2";
  return value >= target - 20 ? "is-1" : "is-0";
}

function range(values: number[]): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
}
