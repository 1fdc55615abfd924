/** A server as docs/field-api.md lays it down, with a plan of what goes wrong. */

import { HOUSEHOLD, type HouseholdBundle, type Op, type SaveBody, type SaveReply, type ServerFault, type Value } from "../src/engine";
import { pack } from "./fixtures";

/** before / after: whether the server stored the save before it failed. */
export type Trouble = "fine" | "lost before" | "lost after" | "500 before" | "500 after" | "torn" | "401" | "403" | "429";

export class FakeServer {
  readonly bundle: HouseholdBundle;
  readonly applied: Op[] = [];
  readonly saves: SaveBody[] = [];
  readonly receipts = new Map<string, SaveReply>();
  plan: Trouble[] = [];
  requests = 0;
  signedIn = true;
  user = 12;
  csrf = "first";
  closed = false;
  faults: (body: SaveBody) => ServerFault[] = () => [];
  /** Resolves before an answer is given: lets a test hold a request. */
  gate: Promise<void> = Promise.resolve();

  constructor(bundle: HouseholdBundle) {
    this.bundle = structuredClone(bundle);
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = String(input);
    if (!init?.method) return json(url.endsWith("pack.json") ? pack : structuredClone(this.bundle));
    const body = JSON.parse(String(init.body)) as SaveBody & { username?: string; password?: string };
    await this.gate;
    if (url.endsWith("/accounts/reauth")) {
      if (body.password !== "right") return json({ reason: "password", message: "密码不对，请再输一遍。" }, 403);
      this.signedIn = true;
      this.csrf = "second";
      return json({ csrf: this.csrf, user: this.user });
    }
    this.requests += 1;
    if (new Headers(init.headers).get("X-CSRFToken") !== this.csrf) return new Response("<html>", { status: 403 });
    const trouble = this.plan.shift() ?? "fine";
    if (trouble === "lost before") throw new TypeError("network");
    if (trouble === "500 before") return new Response("<html>", { status: 500 });
    if (trouble === "429") return json({ message: "忙" }, 429);
    if (trouble === "403") return new Response("<html>", { status: 403 });
    if (trouble === "401") this.signedIn = false;
    if (!this.signedIn) return json({ reason: "session", message: "登录已过期，请重新输入密码。" }, 401);
    const answer = this.save(body);
    if (trouble === "lost after") throw new TypeError("network");
    if (trouble === "500 after") return new Response("<html>", { status: 502 });
    if (trouble === "torn") return new Response('{"client_id": "', { status: 200 });
    return answer;
  };

  value(name: string): Value | undefined {
    return this.bundle.record.values[name];
  }

  times(value: Value): number {
    return this.applied.filter((op) => op.op === "set" && op.value === value).length;
  }

  private save(body: SaveBody): Response {
    const known = this.receipts.get(body.client_id);
    if (known) return json(known);
    if (this.closed) return json({ reason: "closed", message: "录入已关闭。" }, 409);
    const faults = this.faults(body);
    if (faults.length) return json({ faults }, 422);
    this.saves.push(body);
    const record = this.bundle.record;
    for (const op of body.ops) {
      this.applied.push(op);
      if (op.op === "set" && op.target === HOUSEHOLD) (record.values as Record<string, Value>)[op.name] = op.value;
      if (op.op === "tick") record.ticks[op.section] = { by: 12, at: "2021-10-08T08:00:00+08:00" };
      if (op.op === "visit") this.bundle.visit = { visited_by: op.visited_by, visited_on: op.visited_on };
      if (op.op === "submit") record.state = "submitted";
    }
    record.version += 1;
    if (record.state === "empty") record.state = "draft";
    const reply: SaveReply = {
      client_id: body.client_id,
      versions: { [HOUSEHOLD]: record.version },
      values: { [HOUSEHOLD]: { ...this.bundle.household.values, ...record.values } },
      ticks: { [HOUSEHOLD]: { ...record.ticks } },
      state: record.state,
      visit: this.bundle.visit,
      entered_by: "村信息员",
      checked_by: null,
      merged: [],
      conflicts: [],
      clues: [],
      saved_at: "2021-10-08T08:00:00+08:00",
    };
    this.receipts.set(body.client_id, structuredClone(reply));
    return json(reply);
  }
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}
