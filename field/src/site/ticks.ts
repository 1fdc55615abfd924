/** `data-tick-all="name"`: one box ticks all boxes of that name in its form. */
export function chooseAll(): void {
  document.querySelectorAll<HTMLInputElement>("input[data-tick-all]").forEach((all) => {
    all.addEventListener("change", () => {
      all.form?.querySelectorAll<HTMLInputElement>(`input[type=checkbox][name="${all.dataset["tickAll"]}"]`).forEach((box) => {
        box.checked = all.checked;
      });
    });
  });
}
