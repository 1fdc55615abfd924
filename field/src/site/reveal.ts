import { ask } from "./confirm";
import { post } from "./requests";

/** A masked number's button asks for a reason, then shows the whole number in its place; the server keeps who, why and when. */
export function showInFull(): void {
  document.querySelectorAll<HTMLButtonElement>("button[data-reveal]").forEach((button) => {
    button.addEventListener("click", () => {
      void ask({ facts: button.dataset["facts"] ?? "", act: button.textContent?.trim() ?? "", reasonOf: 5 }).then(async (reason) => {
        if (reason === null) return;
        const shown = document.createElement("span");
        shown.setAttribute("role", "status");
        shown.className = "num-left";
        try {
          const answer = await post(button.dataset["reveal"]!, { reason });
          if (answer.status === 401) window.location.reload();
          const body = (await answer.json()) as { value?: string; message?: string };
          shown.textContent = ` ${body.value ?? body.message ?? answer.status}`;
          if (body.value === undefined) shown.classList.add("text-danger");
          else button.hidden = true;
        } catch {
          shown.textContent = ` ${button.dataset["fault"] ?? "—"}`;
        }
        button.parentElement?.querySelector("[role=status]")?.remove();
        button.after(shown);
      });
    });
  });
}
