/** Sex and birth date stand in an identity number: an arrival need not type them twice. */

export interface FromIdentity {
  birth: string | null;
  sex: "1" | "2" | null;
}

export function fromIdentity(typed: string): FromIdentity {
  const number = typed.replace(/\s/g, "").toUpperCase();
  const match = /^\d{6}(\d{4})(\d{2})(\d{2})\d{2}(\d)[\dX]/.exec(number);
  if (!match) return { birth: null, sex: null };
  const [, year, month, day, order] = match;
  const birth = `${year}-${month}-${day}`;
  const moment = new Date(`${birth}T00:00:00Z`);
  if (Number.isNaN(moment.getTime()) || moment.toISOString().slice(0, 10) !== birth) return { birth: null, sex: null };
  return { birth, sex: Number(order) % 2 === 1 ? "1" : "2" };
}
