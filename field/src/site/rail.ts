/** Folds the left column to the kinds of work; remembered in a cookie, so that the server draws the next page folded and nothing jumps. */
export function foldRail(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-rail-fold]");
  button?.addEventListener("click", () => {
    const folded = document.documentElement.classList.toggle("rail-folded");
    button.setAttribute("aria-expanded", String(!folded));
    document.cookie = `ffp_rail=${folded ? "folded" : "open"}; path=/; max-age=31536000; samesite=lax`;
  });
}
