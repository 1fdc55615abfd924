/** What waits on this device, told to pages without a journal. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { openSession } from "../src/journal";
import { MemoryShelf } from "../src/journal/shelf";
import { noteUnsent, unsentOf } from "../src/journal/unsent";
import { HOUSEHOLD } from "../src/engine";
import { empty } from "./fixtures";
import { FakeServer } from "./server";

const held = new Map<string, string>();
const storage = { getItem: (key: string) => held.get(key) ?? null, setItem: (key: string, value: string) => void held.set(key, value) };

class DurableShelf extends MemoryShelf {
  override readonly durable = true as unknown as false;
}

beforeEach(() => {
  held.clear();
  vi.stubGlobal("window", { localStorage: storage });
});
afterEach(() => vi.unstubAllGlobals());

describe("what waits on this device", () => {
  it("is told while it waits and no longer when it is stored", async () => {
    const server = new FakeServer(empty);
    server.plan = ["lost before", "lost before"];
    const one = await openSession({
      userId: 12, username: "village", householdId: empty.household.id, fetch: server.fetch, csrf: () => server.csrf, shelf: new DurableShelf(), retryDelays: [1],
    });
    expect(unsentOf("village")).toBe(0);
    one.set(HOUSEHOLD, "wage_income", 1_200_000);
    await vi.waitFor(() => expect(unsentOf("village")).toBe(1));
    expect(JSON.parse(held.get("ffp.unsent") ?? "")).toEqual({ village: 1 });
    await vi.waitFor(() => expect(unsentOf("village")).toBe(0));
    expect(server.value("wage_income")).toBe(1_200_000);
    one.close();
  });

  it("is each account's own on a shared computer", () => {
    noteUnsent("a", 3);
    noteUnsent("b", 1);
    noteUnsent("b", 0);
    expect([unsentOf("a"), unsentOf("b"), unsentOf("c")]).toEqual([3, 0, 0]);
  });

  it("is nought where storage is off or holds something else", () => {
    held.set("ffp.unsent", "7");
    expect(unsentOf("a")).toBe(0);
    vi.stubGlobal("window", { get localStorage(): never { throw new Error("SecurityError"); } });
    noteUnsent("a", 1);
    expect(unsentOf("a")).toBe(0);
  });
});
