/** Units and money in words. */

import type { Indicator } from "../../engine";

const UNITS: Readonly<Record<string, string>> = { mu: "亩", km: "公里", m2: "㎡", month: "月", person: "人", head: "头" };

/** "" where the name says it already (务工时间（月）); money is 元 throughout, said once above the sheet. */
export function unitWords(indicator: Indicator): string {
  const unit = UNITS[indicator.unit] ?? "";
  return indicator.zh.includes(`（${unit}）`) ? "" : unit;
}

/** Fen → "1200.00". */
export function yuanWords(fen: number): string {
  const digits = Math.abs(fen).toString().padStart(3, "0");
  return `${fen < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
