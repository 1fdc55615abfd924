/** Units and money in words. */

import type { Indicator } from "../../engine";
import { named, say } from "../../words";

/** "" where the name says it already (务工时间（月）); money is 元 throughout, said once above the sheet. */
export function unitWords(indicator: Indicator): string {
  const unit = say.field.units[indicator.unit] ?? "";
  return named(indicator).includes(say.field.inBrackets(unit)) ? "" : unit;
}

/** Fen → "1200.00". */
export function yuanWords(fen: number): string {
  const digits = Math.abs(fen).toString().padStart(3, "0");
  return `${fen < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
