/** The token the server set in its cookie; every POST of a script carries it. */
export function csrfToken(): string {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? document.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** What a script asks for, as JSON. */
export function get(url: string): Promise<Response> {
  return fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
}

/** POST of form fields. */
export function post(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
    body: new URLSearchParams(fields),
    credentials: "same-origin",
  });
}
