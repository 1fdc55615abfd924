/** The tree of places is fetched when it is first opened; typing in its box narrows it. */
export function openPlaces(): void {
  const picker = document.querySelector<HTMLDetailsElement>("[data-places]");
  const panel = picker?.querySelector<HTMLElement>(".place-panel");
  if (!picker || !panel) return;
  let asked = false;
  picker.addEventListener("toggle", () => {
    if (!picker.open || asked) return;
    asked = true;
    void fetch(picker.dataset["places"]!, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)))))
      .then((text) => {
        panel.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
        narrowing(panel);
      })
      .catch(() => {
        asked = false; // the link already in the panel stays
      });
  });
  document.addEventListener("click", (event) => {
    if (picker.open && !picker.contains(event.target as Node)) picker.open = false;
  });
  picker.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      picker.open = false;
      picker.querySelector("summary")?.focus();
    }
  });
}

function narrowing(panel: HTMLElement): void {
  const box = panel.querySelector<HTMLInputElement>("input[type=search]");
  if (!box) return;
  box.focus();
  box.addEventListener("input", () => {
    const wanted = box.value.trim();
    panel.querySelectorAll<HTMLLIElement>(".tree li").forEach((item) => {
      item.hidden = wanted !== "" && !(item.textContent ?? "").includes(wanted);
    });
    panel.querySelectorAll<HTMLDetailsElement>(".tree details").forEach((details) => {
      details.open = wanted !== "" && !details.closest("li")!.hidden;
    });
  });
}
