/** The entry most like a mistyped word: Ratcliff–Obershelp as in Python's difflib, so that server and form hint the same. */

function matches(a: string[], b: string[]): number {
  let [bestA, bestB, bestSize] = [0, 0, 0];
  let runs = new Map<number, number>();
  for (let i = 0; i < a.length; i += 1) {
    const next = new Map<number, number>();
    for (let j = 0; j < b.length; j += 1) {
      if (a[i] !== b[j]) continue;
      const run = (runs.get(j - 1) ?? 0) + 1;
      next.set(j, run);
      if (run > bestSize) [bestA, bestB, bestSize] = [i - run + 1, j - run + 1, run];
    }
    runs = next;
  }
  if (bestSize === 0) return 0;
  return (
    bestSize +
    matches(a.slice(0, bestA), b.slice(0, bestB)) +
    matches(a.slice(bestA + bestSize), b.slice(bestB + bestSize))
  );
}

function codePointOrder(a: string, b: string): number {
  const [first, second] = [[...a], [...b]];
  for (let i = 0; i < Math.min(first.length, second.length); i += 1) {
    const gap = (first[i]?.codePointAt(0) ?? 0) - (second[i]?.codePointAt(0) ?? 0);
    if (gap) return gap;
  }
  return first.length - second.length;
}

export function nearest(word: string, words: readonly string[], cutoff = 0.5): string | null {
  let best: { word: string; score: number } | null = null;
  const typed = [...word];
  for (const candidate of words) {
    const letters = [...candidate];
    const total = typed.length + letters.length;
    const score = total ? (2 * matches(letters, typed)) / total : 1;
    if (score < cutoff) continue;
    if (!best || score > best.score || (score === best.score && codePointOrder(candidate, best.word) > 0)) {
      best = { word: candidate, score };
    }
  }
  return best?.word ?? null;
}
