/** One household on the screen: what shows, what is carried over, what adds up, what is found while typing. */

import "fake-indexeddb/auto";
import { afterEach, describe, expect, it } from "vitest";
import { draft, type FieldState, HOUSEHOLD, type HouseholdBundle, type HouseholdState, HouseholdStore, type SaveReply, type SectionState } from "../src/engine";
import { merged } from "../src/engine/model";
import { openSession, type Session } from "../src/journal";
import { empty, households, pack, submitted } from "./fixtures";
import { FakeServer } from "./server";

let users = 5000;
const open: Session[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

async function session(bundle: HouseholdBundle): Promise<{ one: Session; server: FakeServer }> {
  const server = new FakeServer(bundle);
  const one = await openSession({
    userId: (users += 1),
    username: "village",
    householdId: bundle.household.id,
    fetch: server.fetch,
    csrf: () => server.csrf,
  });
  open.push(one);
  return { one, server };
}

function section(state: HouseholdState, key: string, target = HOUSEHOLD): SectionState {
  return state.forms.find((form) => form.target === target)?.sections.find((one) => one.key === key) as SectionState;
}

function field(state: HouseholdState, name: string, target = HOUSEHOLD): FieldState {
  const fields = state.forms.find((form) => form.target === target)?.sections.flatMap((one) => one.fields);
  return fields?.find((one) => one.name === name) as FieldState;
}

function put(one: Session, name: string, text: string, target = HOUSEHOLD): void {
  one.type(target, name, text);
  expect(one.commit(target, name)).toBe(null);
}

describe("last year beside this year", () => {
  it("carries as-of items over and leaves period items empty", async () => {
    const { one } = await session(empty);
    const living = section(one.state, "living").fields.filter(({ indicator, last }) => indicator.kind === "as_of" && last !== null && last !== undefined);
    expect(living.length).toBeGreaterThan(5);
    expect(living.every(({ carried, text, lastWords, value }) => carried && text !== "" && value === undefined && lastWords !== "")).toBe(true);
    const income = section(one.state, "income").fields.filter(({ indicator, last }) => indicator.kind === "period" && indicator.home === "record" && last);
    expect(income.length).toBeGreaterThan(0);
    expect(income.every(({ carried, text }) => !carried && text === "")).toBe(true);
  });

  it("confirms a whole section by one tick, which can be taken back", async () => {
    const { one, server } = await session(empty);
    server.closed = true;
    const before = one.state.sections.answered;
    expect(section(one.state, "living").status).toBe("untouched");
    one.toggle(HOUSEHOLD, "living");
    expect(section(one.state, "living")).toMatchObject({ status: "answered", ticked: { by: users } });
    expect(section(one.state, "living").fields.some(({ carried }) => carried)).toBe(false);
    expect(one.state.sections.answered).toBe(before + 1);
    one.toggle(HOUSEHOLD, "living");
    expect(section(one.state, "living")).toMatchObject({ status: "untouched", ticked: null });
    expect(one.status.unsent).toBe(0);
    one.tick(HOUSEHOLD, "income");
    expect(section(one.state, "income").ticked).toBe(null);
  });

  it("a typed value stays when the section is ticked", async () => {
    const { one } = await session(empty);
    put(one, "farmland_mu", "7.77");
    one.tick(HOUSEHOLD, "living");
    expect(field(one.state, "farmland_mu")).toMatchObject({ value: 777, text: "7.77", changed: true });
  });

  it("confirms one item alone", async () => {
    const { one } = await session(empty);
    const item = section(one.state, "living").fields.find(({ carried }) => carried) as FieldState;
    one.confirm(HOUSEHOLD, item.name);
    expect(field(one.state, item.name)).toMatchObject({ carried: false, value: item.last, changed: false });
  });

  it("leaves the rest empty on demand, and then the section is answered", async () => {
    const { one } = await session(empty);
    put(one, "wage_income", "12000");
    one.emptyRest(HOUSEHOLD, "income");
    expect(section(one.state, "income").status).toBe("answered");
    expect([field(one.state, "wage_income").value, field(one.state, "business_income").value]).toEqual([1_200_000, null]);
  });
});

describe("while typing", () => {
  it("sums follow every key", async () => {
    const { one } = await session(empty);
    one.type(HOUSEHOLD, "household_size", "3");
    one.type(HOUSEHOLD, "wage_income", "1００００");
    one.type(HOUSEHOLD, "tr_dibao", "1");
    expect(field(one.state, "net_income").words).toBe("10001.00");
    expect(field(one.state, "per_capita_net_income").words).toBe("3333.67");
    one.type(HOUSEHOLD, "business_expense", "20001");
    expect(field(one.state, "per_capita_net_income").words).toBe("-3333.33");
    expect(field(one.state, "net_income").computed).toBe(true);
  });

  it("what does not fit together is said at the item, in words", async () => {
    const { one } = await session(empty);
    one.type(HOUSEHOLD, "wage_income", "100");
    one.type(HOUSEHOLD, "wage_migrant", "200");
    expect(field(one.state, "wage_income").findings.map(({ id, severity, fresh }) => [id, severity, fresh])).toContainEqual(["wage_parts", "error", true]);
    one.type(HOUSEHOLD, "wage_income", "200");
    expect(field(one.state, "wage_income").findings.map(({ id }) => id)).not.toContain("wage_parts");
  });

  it("an item is asked when its condition holds", async () => {
    const { one } = await session(empty);
    const person = one.state.forms.find((form) => form.person?.live)?.target as string;
    one.set(person, "health_status", ["01"]);
    expect(field(one.state, "illness_name", person).relevant).toBe(false);
    const ill = pack.lists["health_status"]?.find(({ zh }) => zh === "长期慢性病")?.code as string;
    one.set(person, "health_status", [ill]);
    expect(field(one.state, "illness_name", person).relevant).toBe(true);
  });

  it("an identity number with a wrong check character is seen before it is saved", async () => {
    const { one } = await session(empty);
    const person = one.state.forms.find((form) => form.person?.live)?.target as string;
    const wrong = (): string[] => field(one.state, "id_number", person).findings.map(({ id }) => id);
    expect(field(one.state, "id_number", person).masked).toBe(true);
    put(one, "id_number", "11010519491231002x", person);
    expect([field(one.state, "id_number", person).text, field(one.state, "id_number", person).masked]).toEqual(["11010519491231002X", false]);
    const right = wrong();
    one.type(person, "id_number", "110105194912310021");
    const rule = pack.rules.find((found) => found.subject === "person" && found.fields.includes("id_check_ok") && !right.includes(found.id));
    expect(wrong()).toContain(rule?.id);
  });

  it("lists are found by word, code and first letters", async () => {
    const { one } = await session(empty);
    const person = one.state.forms[1]?.target as string;
    expect(one.options(person, "relation_to_head", "po")[0]?.zh).toBe("配偶");
    expect(one.options(person, "relation_to_head", "之女").map(({ zh }) => zh)).toContain("之女");
    expect(one.options(HOUSEHOLD, "safe_water", "s").map(({ zh }) => zh)).toEqual(["是"]);
  });

  it("computed, given and masked items are not typed", async () => {
    const { one } = await session(empty);
    for (const name of ["net_income", "household_id", "head_name", "form_year"]) {
      expect(one.set(HOUSEHOLD, name, 1), name).not.toBe(null);
      expect(field(one.state, name)?.editable ?? false, name).toBe(false);
    }
    expect(one.status.unsent).toBe(0);
  });
});

describe("members", () => {
  it("arrive with reason and date, are typed, and go with the save in order", async () => {
    const { one, server } = await session(empty);
    expect(one.arrive("01", "2021-05-01")).toEqual({ fault: "请从清单中选择自然增加的原因" });
    expect(one.arrive("06", "昨天")).toHaveProperty("fault");
    expect(one.arrive("06", "2999-01-01")).toEqual({ fault: "增加日期不能在今天之后" });
    const before = field(one.state, "members_live").value as number;
    const made = one.arrive("06", "20210501", { member_name: "新生儿" });
    const id = "id" in made ? made.id : "";
    const form = one.state.forms.find(({ target }) => target === id);
    expect(form?.person).toMatchObject({ live: true, arriving: true, name: "新生儿", changeReason: "新生儿", changeDate: "2021-05-01" });
    expect(field(one.state, "members_live").value).toBe(before + 1);
    await one.flush();
    expect(server.applied.map(({ op }) => op)).toEqual(["arrive", "set"]);
  });

  it("leave and come back", async () => {
    const { one } = await session(empty);
    const person = one.state.forms.find((form) => form.person?.live && !form.person.head)?.target as string;
    expect(one.leave(person, "06", "2021-05-01")).toBe("请从清单中选择自然减少的原因");
    expect(one.leave(person, "02", "2021.5.1")).toBe(null);
    expect(one.state.forms.find(({ target }) => target === person)?.person).toMatchObject({ live: false, changeReason: "嫁出", changeDate: "2021-05-01" });
    expect(one.state.forms[one.state.forms.length - 1]?.person?.live).toBe(false);
    one.stay(person);
    expect(one.state.forms.find(({ target }) => target === person)?.person?.live).toBe(true);
  });

  it("change places as head", async () => {
    const { one } = await session(empty);
    const [head, other] = [one.state.forms.find((form) => form.person?.head), one.state.forms.find((form) => form.person?.live && !form.person.head)];
    expect(one.head(other?.target ?? "")).toBe(null);
    expect(one.state.headName).toBe(other?.person?.name);
    expect(field(one.state, "relation_to_head", head?.target).value).toBe(null);
    one.leave(head?.target ?? "", "01", "2021-05-01");
    expect(one.head(head?.target ?? "")).toBe("户主必须是在户成员");
  });

  it("refused arrivals are put right and everything typed for them follows", async () => {
    const { one, server } = await session(empty);
    server.faults = ({ ops }) =>
      ops.flatMap((op) => (op.op === "arrive" && op.date === "2021-05-01" ? [{ target: op.person_id, name: "arrive", message: "日期不对" }] : []));
    const made = one.arrive("06", "2021-05-01", { member_name: "新生儿" });
    const id = "id" in made ? made.id : "";
    await one.flush();
    expect(one.state.faults.map(({ label, message }) => [label, message])).toContainEqual(["新增成员", "日期不对"]);
    expect(one.arrive("06", "2021-05-02", {}, id)).toEqual({ id });
    await one.flush();
    expect(server.applied.map(({ op }) => op)).toEqual(["arrive", "set"]);
    expect(one.state.faults).toEqual([]);
  });
});

describe("a reply", () => {
  const reply = (more: Partial<SaveReply>): SaveReply => ({
    client_id: "x",
    versions: { [HOUSEHOLD]: submitted.record.version + 1 },
    values: {},
    ticks: {},
    state: "submitted",
    merged: [],
    conflicts: [],
    clues: [],
    saved_at: "",
    ...more,
  });

  it("brings what others changed", () => {
    const next = merged(pack, submitted, reply({ values: { [HOUSEHOLD]: { ...submitted.record.values, farmland_mu: 4, bank_name: "农行" } } }));
    expect([next.record.values["farmland_mu"], next.household.values["bank_name"], next.record.version]).toEqual([4, "农行", submitted.record.version + 1]);
    expect(next.record.values["bank_name"]).toBe(undefined);
  });

  it("that is older than the bundle changes nothing", () => {
    const old = reply({ versions: { [HOUSEHOLD]: submitted.record.version - 1 }, values: { [HOUSEHOLD]: { farmland_mu: 4 } }, clues: [], conflicts: [] });
    expect(merged(pack, submitted, old)).toEqual(submitted);
  });

  it("adds a member the bundle does not know", () => {
    const values = { person_id: "340-09", member_name: "新", member_state: "01", phone: "139" };
    const next = merged(pack, submitted, reply({ versions: { new: 1 }, values: { new: values }, facts: { new: { id_form: null } } }));
    const person = next.persons[next.persons.length - 1];
    expect(person).toMatchObject({ id: "new", code: "340-09", live: true, record: { version: 1, values: { phone: "139" } } });
  });
});

describe("those who may not see everything", () => {
  it("get no findings about what is hidden", async () => {
    for (const { bundle } of households) {
      const hidden = { ...bundle, may: { ...bundle.may, sensitive: false } };
      const { one } = await session(hidden);
      const shown = one.state.findings.flatMap(({ id }) => pack.rules.find((rule) => rule.id === id)?.fields ?? []);
      expect(shown.filter((name) => pack.indicators[`person_year.${name}`]?.privacy === "sensitive")).toEqual([]);
    }
  });
});

it("a key in a household of eleven shows within a few frames", () => {
  const one = submitted.persons[0] as HouseholdBundle["persons"][number];
  const persons = Array.from({ length: 11 }, (_, i) => ({ ...one, id: `p${i}` }));
  const store = new HouseholdStore(pack, { ...submitted, persons }, 1);
  expect(store.state.forms.length).toBe(12);
  const times = Array.from({ length: 20 }, (_, i) => {
    store.begin(draft(HOUSEHOLD, "wage_income", `${i}`, { op: "set", target: HOUSEHOLD, name: "wage_income", value: i * 100 }, { id: `k${i}`, base: 1, at: "" }));
    const start = performance.now();
    expect(field(store.state, "wage_income").value).toBe(i * 100);
    return performance.now() - start;
  });
  const median = times.sort((a, b) => a - b)[10] as number;
  console.info(`a key with eleven members: ${median.toFixed(1)} ms`);
  expect(median).toBeLessThan(100);
});
