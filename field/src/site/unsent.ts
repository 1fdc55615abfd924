/** The entry screen's journal notes how many changes wait on this device; every page shows it while it is not nought. */
export const UNSENT_KEY = "ffp.unsent";

export function showUnsent(): void {
  const shown = document.querySelector<HTMLElement>("[data-unsent]");
  if (!shown) return;
  const look = (): void => {
    let count = 0;
    try {
      count = Number(window.localStorage.getItem(UNSENT_KEY) ?? "0") || 0;
    } catch {
      // storage is switched off: nothing can be waiting in it
    }
    shown.hidden = count <= 0;
    shown.textContent = (shown.dataset["unsent"] ?? "").replace("{n}", String(count));
  };
  look();
  window.addEventListener("storage", look);
}
