/** "3000*8+1200" in a money field: people add up on the paper's edge anyway. Exact: no binary fractions. */

import { ROUND_SUMS } from "../../words/typed";

interface Exact {
  digits: bigint;
  scale: number;
}

function exact(text: string): Exact | null {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return null;
  const part = match[2] ?? "";
  return { digits: BigInt(`${match[1]}${part}`), scale: part.length };
}

function add(a: Exact, b: Exact, sign: 1n | -1n): Exact {
  const scale = Math.max(a.scale, b.scale);
  const raise = (one: Exact): bigint => one.digits * 10n ** BigInt(scale - one.scale);
  return { digits: raise(a) + sign * raise(b), scale };
}

/** The result as plain text, or null where the text is no sum of numbers (then it is taken as typed). */
export function calculate(text: string): string | null {
  const plain = text
    .replace(/[０-９．＋－＊]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/[×xX]/g, "*")
    .replace(ROUND_SUMS, "");
  if (!/[+*-]/.test(plain.slice(1)) || plain.length > 120) return null;
  const terms = plain.split(/(?=[+-])/);
  let total: Exact = { digits: 0n, scale: 0 };
  for (const term of terms) {
    const sign = term.startsWith("-") ? -1n : 1n;
    const factors = term.replace(/^[+-]/, "").split("*").map(exact);
    let product: Exact = { digits: 1n, scale: 0 };
    for (const factor of factors) {
      if (factor === null) return null;
      product = { digits: product.digits * factor.digits, scale: product.scale + factor.scale };
    }
    total = add(total, product, sign);
  }
  if (total.digits < 0n) return null;
  const digits = total.digits.toString().padStart(total.scale + 1, "0");
  if (total.scale === 0) return digits;
  const part = digits.slice(-total.scale).replace(/0+$/, "");
  return digits.slice(0, -total.scale) + (part ? `.${part}` : "");
}
