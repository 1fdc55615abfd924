/** Requests of docs/field-api.md, their answers sorted by what the journal has to do. */

import type { HouseholdBundle, ListItem, PackBundle, SaveBody, SaveReply, ServerFault } from "../engine";
import { say } from "../words";

export type Fetch = typeof globalThis.fetch;

export type Outcome =
  | { kind: "stored"; reply: SaveReply }
  | { kind: "faults"; faults: ServerFault[] }
  | { kind: "closed" | "gone" | "password" | "broken"; message: string }
  /** Stored or not, nobody knows: the same save again. */
  | { kind: "unknown"; message: string };

/** A save that takes longer is tried again. */
const TIMEOUT_MS = 30_000;

export class Transport {
  constructor(
    private readonly fetch: Fetch,
    private readonly csrf: () => string,
  ) {}

  async pack(): Promise<PackBundle> {
    return (await this.get("/field/pack.json")) as PackBundle;
  }

  /** The county-level divisions of the country; none where they cannot be had: codes can still be typed. */
  async places(): Promise<ListItem[]> {
    try {
      return ((await this.get("/field/places.json")) as { divisions?: ListItem[] }).divisions ?? [];
    } catch {
      return [];
    }
  }

  async household(id: string): Promise<HouseholdBundle> {
    return (await this.get(`/field/households/${id}.json`)) as HouseholdBundle;
  }

  private async get(url: string): Promise<unknown> {
    const answer = await this.fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "manual" });
    if (!answer.ok) throw new Unreachable(answer.status);
    return answer.json();
  }

  async save(body: SaveBody): Promise<Outcome> {
    let answer = await this.post("/field/save", body);
    // A sign-in in another tab gave a new token: read it again, once.
    if (answer.status === 403) answer = await this.post("/field/save", body);
    return sorted(answer, body.client_id);
  }

  async resolve(conflict: string, choice: string, value: unknown): Promise<{ bundle: HouseholdBundle } | { fault: string }> {
    const answer = await this.post(`/field/conflicts/${conflict}`, { choice, value });
    if (answer.status === 200) return { bundle: answer.json as HouseholdBundle };
    const faults = faultsOf(answer.json);
    if (faults[0]) return { fault: faults[0].message };
    return { fault: messageOf(answer.json) ?? say.transport.notSaved };
  }

  async reauthenticate(username: string, password: string): Promise<{ user: number | null } | { fault: string }> {
    const answer = await this.post("/accounts/reauth", { username, password });
    if (answer.status === 200) {
      const { user } = (answer.json ?? {}) as { user?: number };
      return { user: user ?? null };
    }
    return { fault: messageOf(answer.json) ?? (answer.status ? say.password.refused : say.transport.noServer) };
  }

  private async post(url: string, body: unknown): Promise<Answer> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
    try {
      const answer = await this.fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.csrf() },
        body: JSON.stringify(body),
        credentials: "same-origin",
        redirect: "manual",
        signal: stop.signal,
      });
      const redirected = answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 400);
      if (redirected) return { status: 302, json: null };
      return { status: answer.status, json: await readJson(answer) };
    } catch {
      return { status: 0, json: null };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The page's own data could not be fetched. */
export class Unreachable extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

interface Answer {
  status: number;
  json: unknown;
}

async function readJson(answer: Response): Promise<unknown> {
  const text = await answer.text(); // a connection that breaks here throws: the outcome is unknown
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function sorted({ status, json }: Answer, save: string): Outcome {
  const message = messageOf(json);
  if (status === 200) {
    const reply = json as SaveReply | null;
    return reply?.client_id === save ? { kind: "stored", reply } : { kind: "unknown", message: say.transport.incomplete };
  }
  switch (status) {
    case 302:
      return { kind: "gone", message: say.transport.changePassword };
    case 401:
      return { kind: "password", message: message ?? say.transport.signedOut };
    case 409:
      return { kind: "closed", message: message ?? say.transport.closed };
    case 422:
      return { kind: "faults", faults: faultsOf(json) };
    case 403:
      return { kind: "gone", message: message ?? say.transport.noRight };
    case 404:
      return { kind: "gone", message: say.transport.outOfReach };
    case 408:
    case 425:
    case 429:
      return { kind: "unknown", message: message ?? say.transport.busy };
    default:
      if (status === 0) return { kind: "unknown", message: say.transport.offline };
      if (status >= 500) return { kind: "unknown", message: say.transport.serverFault };
      return { kind: "broken", message: message ?? say.transport.refused };
  }
}

function messageOf(json: unknown): string | null {
  const message = (json as { message?: unknown } | null)?.message;
  return typeof message === "string" ? message : null;
}

function faultsOf(json: unknown): ServerFault[] {
  const faults = (json as { faults?: unknown } | null)?.faults;
  return Array.isArray(faults) ? (faults as ServerFault[]) : [];
}
