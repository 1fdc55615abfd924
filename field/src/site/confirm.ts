// The dialog stands in the page's frame (its words come translated from the server): facts, perhaps a reason, act or leave.

interface Question {
  facts: string;
  act: string;
  /** Least length of the reason asked for; 0: none is asked. */
  reasonOf: number;
}

/** Resolves to the reason ("" where none is asked), or null when the person leaves it. */
export function ask(question: Question): Promise<string | null> {
  const dialog = document.querySelector<HTMLDialogElement>("dialog.confirm");
  if (!dialog || typeof dialog.showModal !== "function") {
    // An old browser without dialogs.
    return Promise.resolve(question.reasonOf > 0 ? window.prompt(question.facts) : window.confirm(question.facts) ? "" : null);
  }
  const part = <E extends HTMLElement>(name: string): E => dialog.querySelector<E>(`[data-part=${name}]`)!;
  const [facts, act, box, reason, fault] = [part("facts"), part("act"), part("reason-box"), part<HTMLInputElement>("reason"), part("fault")];
  facts.textContent = question.facts;
  act.textContent = question.act;
  box.hidden = question.reasonOf === 0;
  fault.hidden = true;
  reason.value = "";
  reason.removeAttribute("aria-invalid");
  return new Promise((resolve) => {
    const form = dialog.querySelector("form")!;
    let answer: string | null = null;
    const submitted = (event: SubmitEvent): void => {
      const leaves = (event.submitter as HTMLButtonElement | null)?.value === "leave";
      if (!leaves && reason.value.trim().length < question.reasonOf) {
        event.preventDefault();
        fault.hidden = false;
        reason.setAttribute("aria-invalid", "true");
        reason.focus();
        return;
      }
      answer = leaves ? null : reason.value.trim();
    };
    form.addEventListener("submit", submitted);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submitted);
        resolve(answer);
      },
      { once: true },
    );
    dialog.showModal();
    (question.reasonOf > 0 ? reason : act).focus();
  });
}

/**
 * A form or its button with `data-confirm="what will happen, to how many"` asks first. `{n}` in it is the number of ticked boxes in the form.
 * On an option of a list it asks only when that option is chosen. `data-confirm-act` names the act on the button; `data-confirm-reason="name"` asks for a reason, sent under that name.
 */
export function askBefore(): void {
  const answered = new WeakSet<HTMLFormElement>();
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const button = event.submitter as HTMLButtonElement | null;
    const chosen = form.querySelector<HTMLOptionElement>("option[data-confirm]:checked");
    const asked = button?.dataset["confirm"] !== undefined ? button : form.dataset["confirm"] !== undefined ? form : chosen;
    if (!asked || answered.has(form)) {
      answered.delete(form);
      return;
    }
    event.preventDefault();
    const count = form.querySelectorAll("input[type=checkbox][name=record]:checked").length;
    const name = asked.dataset["confirmReason"] ?? "";
    void ask({
      facts: (asked.dataset["confirm"] ?? "").replace("{n}", String(count)),
      act: asked.dataset["confirmAct"] ?? button?.textContent?.trim() ?? "",
      reasonOf: name ? 5 : 0,
    }).then((reason) => {
      if (reason === null) return;
      if (name) {
        const field = form.querySelector<HTMLInputElement>(`[name="${name}"]`) ?? form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
        field.value = reason;
      }
      answered.add(form);
      form.requestSubmit(button ?? undefined);
    });
  });
}
