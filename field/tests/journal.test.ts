/** Nothing typed is lost, nothing is stored twice: whatever fails, in whatever order. */

import "fake-indexeddb/auto";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type FieldState, HOUSEHOLD, type HouseholdState } from "../src/engine";
import { openSession, type Session, type SessionOptions } from "../src/journal";
import { DexieShelf, MemoryShelf, type Shelf } from "../src/journal/shelf";
import { empty, submitted } from "./fixtures";
import { FakeServer, type Trouble } from "./server";

const ITEMS = ["wage_income", "wage_migrant", "business_income", "claim_income"] as const;
let users = 1000;
const open: Session[] = [];

/** A shelf that dies with its page: nothing that is under way is answered any more. */
class MortalShelf implements Shelf {
  readonly durable = true;
  private dead = false;
  constructor(private readonly inner: Shelf) {}
  kill(): void {
    this.dead = true;
  }
  private mortal<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return new Promise(() => undefined);
    return work().then((value) => (this.dead ? new Promise<T>(() => undefined) : value));
  }
  change: Shelf["change"] = (household, work) => this.mortal(() => this.inner.change(household, work));
  countElsewhere: Shelf["countElsewhere"] = (household) => this.mortal(() => this.inner.countElsewhere(household));
  everything: Shelf["everything"] = () => this.mortal(() => this.inner.everything());
  close(): void {
    // the database outlives the page
  }
}

async function session(server: FakeServer, userId: number, more: Partial<SessionOptions> = {}): Promise<Session> {
  const one = await openSession({
    userId,
    username: "village",
    householdId: server.bundle.household.id,
    fetch: server.fetch,
    csrf: () => server.csrf,
    retryDelays: [1, 2, 3],
    leaseMs: 20,
    ...more,
  });
  open.push(one);
  return one;
}

function field(state: HouseholdState, name: string, target = HOUSEHOLD): FieldState {
  const found = state.forms
    .find((form) => form.target === target)
    ?.sections.flatMap((section) => section.fields)
    .find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}

async function until(what: () => boolean, message: string): Promise<void> {
  for (let i = 0; i < 2000; i += 1) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`never: ${message}`);
}

const idle = (one: Session): Promise<void> => until(() => one.status.phase === "idle" && one.status.unsent === 0, "idle");

function put(one: Session, name: string, yuan: number): void {
  one.type(HOUSEHOLD, name, String(yuan));
  expect(one.commit(HOUSEHOLD, name)).toBe(null);
}

afterEach(() => {
  open.splice(0).forEach((one) => one.close());
});

describe("a change", () => {
  it("shows as written, waiting, sending, stored, in this order", async () => {
    const server = new FakeServer(empty);
    let go = (): void => undefined;
    server.gate = new Promise((resolve) => (go = resolve));
    const one = await session(server, (users += 1));
    const marks: string[] = [];
    one.subscribe(() => {
      const { mark } = field(one.state, "wage_income");
      if (marks[marks.length - 1] !== mark) marks.push(mark);
    });
    one.type(HOUSEHOLD, "wage_income", "12000");
    await until(() => field(one.state, "wage_income").mark === "draft", "journaled");
    expect(server.requests).toBe(0);
    one.commit(HOUSEHOLD, "wage_income");
    await until(() => field(one.state, "wage_income").mark === "sending", "sending");
    go();
    await idle(one);
    expect(marks).toEqual(["writing", "draft", "writing", "waiting", "sending", "stored"]);
    expect(server.value("wage_income")).toBe(1_200_000);
    expect(one.status.savedAt).not.toBe(null);
  });

  it("keeps what is half typed, and shows it again after a crash without sending it", async () => {
    const server = new FakeServer(empty);
    const user = (users += 1);
    const shelf = new MortalShelf(await DexieShelf.open(user));
    const one = await session(server, user, { shelf });
    one.type(HOUSEHOLD, "wage_income", "12");
    one.type(HOUSEHOLD, "address", "杨庙");
    one.type(HOUSEHOLD, "farmland_mu", "1.2.3");
    await until(() => field(one.state, "farmland_mu").mark === "draft", "journaled");
    shelf.kill();
    const two = await session(server, user);
    expect([field(two.state, "wage_income").text, field(two.state, "wage_income").mark]).toEqual(["12", "draft"]);
    expect(field(two.state, "address").text).toBe("杨庙");
    expect(field(two.state, "farmland_mu").text).toBe("1.2.3");
    expect(two.status.unsent).toBe(3);
    await two.flush();
    expect(server.requests).toBe(0);
    expect(two.commit(HOUSEHOLD, "farmland_mu")).toBe("“1.2.3”不是数字，请只填数字");
    expect(two.submit()).toMatch(/还没有填好/);
  });

  it("brings the waiting value back on Escape", async () => {
    const server = new FakeServer(empty);
    server.plan = Array<Trouble>(50).fill("lost before");
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    await until(() => field(one.state, "wage_income").mark === "waiting", "waiting");
    one.type(HOUSEHOLD, "wage_income", "1x");
    expect(field(one.state, "wage_income").text).toBe("1x");
    one.revert(HOUSEHOLD, "wage_income");
    expect(field(one.state, "wage_income").text).toBe("100");
  });

  it("typed and typed back sends nothing", async () => {
    const server = new FakeServer(submitted);
    const one = await session(server, (users += 1));
    const { text } = field(one.state, "wage_income");
    one.type(HOUSEHOLD, "wage_income", text);
    one.commit(HOUSEHOLD, "wage_income");
    await idle(one);
    expect(server.requests).toBe(0);
  });
});

describe("a session that expired", () => {
  it("asks the password, loses nothing, and goes on with the new token", async () => {
    const server = new FakeServer(empty);
    server.plan = ["401"];
    const one = await session(server, (users += 1));
    server.user = users;
    put(one, "wage_income", 100);
    await until(() => one.status.phase === "password", "password");
    put(one, "business_income", 200);
    expect(one.status.unsent).toBe(2);
    expect(await one.reauthenticate("wrong")).toBe("密码不对，请再输一遍。");
    expect(await one.reauthenticate("right")).toBe(null);
    await idle(one);
    expect([server.value("wage_income"), server.value("business_income")]).toEqual([10_000, 20_000]);
    expect(server.times(10_000)).toBe(1);
  });

  it("refuses another user", async () => {
    const server = new FakeServer(empty);
    server.plan = ["401"];
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    await until(() => one.status.phase === "password", "password");
    server.user = 999_999;
    expect(await one.reauthenticate("right")).toMatch(/不是原来的人/);
    expect(one.status.phase).toBe("password");
    expect(server.applied).toEqual([]);
  });

  it("reads a token again that another tab has changed", async () => {
    const server = new FakeServer(empty);
    server.plan = ["403"];
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    await idle(one);
    expect(server.requests).toBe(2);
  });
});

describe("a refusal", () => {
  it("sets the faulty change aside and sends the others", async () => {
    const server = new FakeServer(empty);
    server.plan = ["lost before"];
    server.faults = ({ ops }) =>
      ops.some((op) => op.op === "set" && op.name === "wage_income" && op.value === 10_000)
        ? [{ target: HOUSEHOLD, name: "wage_income", message: "请核对" }]
        : [];
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    put(one, "business_income", 200);
    await until(() => field(one.state, "wage_income").mark === "refused" && one.status.phase === "waiting", "refused");
    expect(server.value("business_income")).toBe(20_000);
    expect(one.state.faults.map(({ name, message, origin }) => [name, message, origin])).toEqual([["wage_income", "请核对", "server"]]);
    expect(field(one.state, "wage_income").text).toBe("100");
    put(one, "wage_income", 300);
    await idle(one);
    expect(server.value("wage_income")).toBe(30_000);
    expect(one.state.faults).toEqual([]);
  });

  it("that names nothing known does not turn in circles", async () => {
    const server = new FakeServer(empty);
    server.faults = () => [{ target: "nobody", name: "nothing", message: "不行" }];
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    await until(() => field(one.state, "wage_income").mark === "refused", "refused");
    expect(server.requests).toBe(1);
  });

  it("of a submission shows its faults and keeps the values", async () => {
    const server = new FakeServer(empty);
    server.faults = ({ ops }) => (ops.some((op) => op.op === "submit") ? [{ target: HOUSEHOLD, name: "household_size", message: "人口数" }] : []);
    const one = await session(server, (users += 1));
    expect(one.submit()).toBe("请填写入户采集人（两人）");
    expect(one.visit(["张三", " ", "李四"], "2021.10.8")).toBe(null);
    put(one, "wage_income", 100);
    expect(one.submit()).toBe(null);
    await until(() => one.state.faults.length > 0, "faults");
    expect(one.state.faults[0]).toMatchObject({ name: "household_size", label: "家庭人口数", message: "人口数" });
    expect(server.saves.map(({ ops }) => ops.map(({ op }) => op))).toEqual([["visit", "set"]]);
    server.faults = () => [];
    expect(one.submit()).toBe(null);
    await idle(one);
    expect([one.state.recordState, one.state.faults]).toEqual(["submitted", []]);
  });

  it("because entry is closed keeps the changes here", async () => {
    const server = new FakeServer(empty);
    server.closed = true;
    const one = await session(server, (users += 1));
    put(one, "wage_income", 100);
    await until(() => one.status.phase === "closed", "closed");
    expect([one.status.message, one.status.unsent, field(one.state, "wage_income").mark]).toEqual(["录入已关闭。", 1, "waiting"]);
    const file = JSON.parse(await one.exportUnsent()) as { entries: { op: unknown }[] };
    expect(file.entries[0]?.op).toEqual({ op: "set", target: HOUSEHOLD, name: "wage_income", value: 10_000 });
    server.closed = false;
    await one.flush();
    await idle(one);
  });
});

describe("storage", () => {
  it("that cannot be used is told, and what is typed is sent all the same", async () => {
    const server = new FakeServer(empty);
    const one = await session(server, (users += 1), { shelf: new MemoryShelf() });
    expect(one.status.durable).toBe(false);
    put(one, "wage_income", 100);
    await idle(one);
    expect(server.value("wage_income")).toBe(10_000);
  });

  it("that fails while typing loses nothing", async () => {
    const server = new FakeServer(empty);
    server.plan = ["lost before", "lost before"];
    const inner = await DexieShelf.open((users += 1));
    const one = await session(server, users, { shelf: inner });
    put(one, "wage_income", 100);
    await until(() => field(one.state, "wage_income").mark === "waiting", "waiting");
    vi.spyOn(inner, "change").mockRejectedValue(new DOMException("full", "QuotaExceededError"));
    put(one, "business_income", 200);
    await until(() => !one.status.durable, "told");
    await one.flush();
    await idle(one);
    expect([server.times(10_000), server.times(20_000)]).toEqual([1, 1]);
  });

  it("of another household is counted", async () => {
    const server = new FakeServer(empty);
    const other = new FakeServer(submitted);
    server.plan = Array<Trouble>(50).fill("lost before");
    const user = (users += 1);
    const one = await session(server, user);
    put(one, "wage_income", 100);
    await until(() => field(one.state, "wage_income").mark === "waiting", "waiting");
    const two = await session(other, user);
    expect([two.status.unsent, two.status.unsentElsewhere]).toEqual([0, 1]);
  });
});

describe("two tabs", () => {
  it("never send the same change twice, and see each other's", async () => {
    const server = new FakeServer(empty);
    server.plan = ["lost after", "500 after", "fine", "lost before", "torn"];
    const user = (users += 1);
    const [one, two] = await Promise.all([session(server, user), session(server, user)]);
    for (let round = 0; round < 5; round += 1) {
      put(one, ITEMS[0], 100 + round);
      put(two, ITEMS[1], 200 + round);
      await Promise.all([one.flush(), two.flush()]);
    }
    await idle(one);
    await idle(two);
    expect([server.value(ITEMS[0]), server.value(ITEMS[1])]).toEqual([10_400, 20_400]);
    for (const op of server.applied) if (op.op === "set") expect(server.times(op.value)).toBe(1);
    await until(() => field(one.state, ITEMS[1]).value === 20_400 && field(two.state, ITEMS[0]).value === 10_400, "seen");
  });
});

type Step = { do: "put" | "type"; item: number } | { do: "kill" } | { do: "wait" } | { do: "flush" };
const troubles: fc.Arbitrary<Trouble> = fc.constantFrom("fine", "lost before", "lost after", "500 before", "500 after", "torn", "429", "401");
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("put" as const), item: fc.nat(ITEMS.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("type" as const), item: fc.nat(ITEMS.length - 1) }) },
  { weight: 2, arbitrary: fc.constant({ do: "kill" as const }) },
  { weight: 2, arbitrary: fc.constant({ do: "wait" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "flush" as const }) },
);

it("whatever fails in whatever order, every value is stored once or shows as waiting", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(troubles, { maxLength: 12 }), fc.array(steps, { minLength: 1, maxLength: 25 }), async (plan, script) => {
      const server = new FakeServer(empty);
      server.plan = [...plan];
      const user = (users += 1);
      server.user = user;
      const database = await DexieShelf.open(user);
      let shelf = new MortalShelf(database);
      let page = await session(server, user, { shelf });
      let count = 0;
      // What each item may be in the end: certain from the moment it showed as more than being written.
      const allowed = new Map<string, (number | undefined)[]>();
      for (const step of script) {
        if (step.do === "put" || step.do === "type") {
          const name = ITEMS[step.item] as string;
          const yuan = (count += 1);
          if (step.do === "put") {
            put(page, name, yuan);
            allowed.set(name, [...(allowed.get(name) ?? [undefined]), yuan * 100]);
          } else {
            page.type(HOUSEHOLD, name, `${yuan}x`);
            page.revert(HOUSEHOLD, name);
          }
        } else if (step.do === "wait") {
          await new Promise((resolve) => setTimeout(resolve, 3));
        } else if (step.do === "flush") {
          await page.flush();
        } else {
          for (const [name, values] of allowed) {
            const shown = field(page.state, name);
            if (shown.mark !== "writing") {
              expect(shown.value, `${name} on the page`).toBe(values[values.length - 1]);
              allowed.set(name, values.slice(-1));
            }
          }
          shelf.kill();
          page.close();
          shelf = new MortalShelf(database);
          page = await session(server, user, { shelf });
          for (const name of ITEMS) {
            // The key got into the journal, leaving the field did not: it shows as being typed, and the person goes on.
            if (field(page.state, name).mark === "draft" && page.commit(HOUSEHOLD, name) !== null) page.revert(HOUSEHOLD, name);
          }
          for (const [name, values] of allowed) {
            const value = field(page.state, name).value;
            expect(values, `${name} after the crash`).toContain(value);
            allowed.set(name, [value as number | undefined]);
          }
        }
        if (page.status.phase === "password") expect(await page.reauthenticate("right")).toBe(null);
      }
      server.plan = [];
      server.signedIn = true;
      if (page.status.phase === "password") await page.reauthenticate("right");
      await page.flush();
      await until(() => page.status.phase === "idle" || page.status.phase === "password", "an end");
      if (page.status.phase === "password") await page.reauthenticate("right");
      await idle(page);
      for (const [name, values] of allowed) {
        expect(server.value(name), name).toBe(values[values.length - 1]);
        expect(field(page.state, name).value).toBe(server.value(name));
      }
      for (const op of server.applied) if (op.op === "set") expect(server.times(op.value), `${op.name} ${String(op.value)}`).toBe(1);
      page.close();
      database.close();
    }),
    { numRuns: Number(process.env["PROOF_RUNS"] ?? 50) },
  );
}, 240_000);
