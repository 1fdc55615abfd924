import { unsentOf } from "../journal/unsent";

/** The entry screen's journal notes how many changes wait on this device; every other page shows it while it is not nought. */
export function showUnsent(): void {
  const shown = document.querySelector<HTMLElement>("[data-unsent]");
  // The entry screen says it itself, change by change.
  if (!shown || document.getElementById("desk-entry")) return;
  const look = (): void => {
    const count = unsentOf(document.body.dataset["user"] ?? "");
    shown.hidden = count <= 0;
    shown.textContent = (shown.dataset["unsent"] ?? "").replace("{n}", String(count));
  };
  look();
  window.addEventListener("storage", look);
  window.addEventListener("pageshow", look); // back by the browser's button: the page was kept as it was
}
