/** Facts of a secret number typed here and not yet saved; twin of fangfanpin/privacy/facts.py (without its keyed digest). */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const;
const CHECK = "10X98765432";
const FORM_BY_LENGTH: Readonly<Record<number, string>> = { 15: "id15", 18: "id18", 20: "card20", 22: "card22" };

/** null = the question does not arise. Dates as YYYY-MM-DD. */
export interface IdentityFacts {
  id_form: string | null;
  id_check_ok: boolean | null;
  id_birth: string | null;
  id_sex: string | null;
  id_region_known: boolean | null;
  id_placeholder: boolean | null;
}

export interface CardFacts {
  card_check_ok: boolean | null;
  card_category: string | null;
  card_grade: string | null;
  card_reissue_ok: boolean | null;
  card_matches_id: boolean | null;
}

/** GB 11643-1999: ISO 7064 mod 11-2 over 17 digits. */
export function checkCharacterOk(first18: string): boolean {
  if (!/^[0-9]{17}[0-9Xx]$/.test(first18)) return false;
  const total = WEIGHTS.reduce((sum, weight, index) => sum + weight * Number(first18[index]), 0);
  return CHECK[total % 11] === first18[17]?.toUpperCase();
}

/** Days of a month; 0 where there is no such month. */
export function daysInMonth(year: number, month: number): number {
  if (month < 1 || month > 12 || year < 1 || year > 9999) return 0;
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function birth(number: string): string | null {
  const text = number.length >= 18 ? number.slice(6, 14) : "19" + number.slice(6, 12);
  if (!/^[0-9]{8}$/.test(text)) return null;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(4, 6)), Number(text.slice(6))];
  return day >= 1 && day <= daysInMonth(year, month) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : null;
}

export function identityFacts(given: string | null, knownRegions: ReadonlySet<string> | null = null): IdentityFacts {
  if (!given) {
    return { id_form: null, id_check_ok: null, id_birth: null, id_sex: null, id_region_known: null, id_placeholder: null };
  }
  const number = given.toUpperCase();
  const form = FORM_BY_LENGTH[number.length] ?? "other";
  const placeholder = number.startsWith("999999");
  if (form === "other" || placeholder) {
    return {
      id_form: form,
      id_check_ok: null,
      id_birth: null,
      id_sex: null,
      id_region_known: null,
      id_placeholder: placeholder,
    };
  }
  const sex = number[number.length >= 18 ? 16 : 14] ?? "";
  return {
    id_form: form,
    id_check_ok: number.length >= 18 ? checkCharacterOk(number.slice(0, 18)) : null,
    id_birth: birth(number),
    id_sex: /^[0-9]$/.test(sex) ? (Number(sex) % 2 ? "1" : "2") : null,
    id_region_known: knownRegions ? knownRegions.has(number.slice(0, 6)) : null,
    id_placeholder: false,
  };
}

export function cardFacts(given: string | null, idNumber: string | null): CardFacts {
  if (!given) {
    return { card_check_ok: null, card_category: null, card_grade: null, card_reissue_ok: null, card_matches_id: null };
  }
  const card = given.toUpperCase();
  const category = /^[1-7]$/.test(card[18] ?? "") ? (card[18] as string) : null;
  const grade = /^[1-4]$/.test(card[19] ?? "") ? (card[19] as string) : null;
  return {
    card_check_ok:
      (card.length === 20 || card.length === 22) && checkCharacterOk(card.slice(0, 18)) && category !== null && grade !== null,
    card_category: category,
    card_grade: grade,
    card_reissue_ok: card.length > 20 ? /^B[1-9]$/.test(card.slice(20)) : null,
    card_matches_id: idNumber && idNumber.length >= 18 ? card.slice(0, 18) === idNumber.slice(0, 18).toUpperCase() : null,
  };
}

/** F019: 16 to 19 digits that pass Luhn. */
export function bankLuhnOk(number: string | null): boolean | null {
  if (!number) return null;
  if (!/^[0-9]{16,19}$/.test(number)) return false;
  let sum = 0;
  [...number].reverse().forEach((character, index) => {
    const digit = Number(character) * (index % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  });
  return sum % 10 === 0;
}
