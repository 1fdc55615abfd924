/** The desk screen's logic without its components: keys, the cursor's way, sums, what is listed, what is said. */

import { describe, expect, it } from "vitest";

import { actionOf, keyRows, type Key } from "../src/desk/logic/keys";
import { calculate } from "../src/desk/logic/arithmetic";
import { isChosen, toggled } from "../src/desk/logic/choices";
import { fromIdentity } from "../src/desk/logic/identity";
import { householdForm, memberForms, paperSections, restIsNone, sectionKeyMeans, shownFields, unconfirmed } from "../src/desk/logic/layout";
import { counts, countWords, placeOf, problems, worthShowing } from "../src/desk/logic/problems";
import { afterTarget, fieldId, firstOf, neighbour, sectionNeighbour, stopOfNumber, stops, SUBMIT } from "../src/desk/logic/stops";
import { filledSums, partsDiffer, sumOfParts, sumTree } from "../src/desk/logic/sums";
import { unitWords, yuanWords } from "../src/desk/logic/units";
import { conflictSides, deadlineWords, momentWords, savingWords, windowWords } from "../src/desk/logic/words";
import { type Conflict, type FieldState, HOUSEHOLD, type HouseholdState, HouseholdStore, type SectionState, type Value } from "../src/engine";
import type { Status } from "../src/journal";
import { empty, pack } from "./fixtures";

const state: HouseholdState = new HouseholdStore(pack, empty, 12).state;
const tree = sumTree(householdForm(state)?.sections.flatMap((section) => section.fields.map((field) => field.indicator)) ?? []);
const section = (key: string): SectionState => householdForm(state)?.sections.find((one) => one.key === key) as SectionState;
const field = (name: string): FieldState =>
  householdForm(state)?.sections.flatMap((one) => one.fields).find((one) => one.name === name) as FieldState;
const key = (name: string, more: Partial<Key> = {}): Key => ({ key: name, code: name, shift: false, ctrl: false, alt: false, composing: false, ...more });

describe("keys", () => {
  it("goes on with Enter and back with Shift+Enter", () => {
    expect(actionOf(key("Enter"))).toBe("next");
    expect(actionOf(key("Enter", { shift: true }))).toBe("previous");
  });
  it("leaves keys to an input method that puts a word together", () => {
    expect(actionOf(key("Enter", { composing: true }))).toBeNull();
  });
  it("knows one key per section, with and without F keys", () => {
    expect(actionOf(key("F8"))).toBe("section");
    expect(actionOf(key("w", { code: "KeyW", alt: true }))).toBe("section");
    expect(actionOf(key("F8", { shift: true }))).toBe("member");
  });
  it("saves, submits, jumps", () => {
    expect(actionOf(key("S", { ctrl: true }))).toBe("save");
    expect(actionOf(key("Enter", { ctrl: true }))).toBe("submit");
    expect(actionOf(key("4", { code: "Digit4", alt: true }))).toEqual({ jump: 4 });
    expect(actionOf(key("PageDown", { alt: true }))).toBe("next_household");
  });
  it("lets ordinary typing and the browser's own keys pass", () => {
    for (const other of [key("a"), key("c", { ctrl: true }), key("Tab"), key("F5")]) expect(actionOf(other)).toBeNull();
  });
  it("shows every key in the help once", () => {
    expect(new Set(keyRows().map((row) => row.keys)).size).toBe(keyRows().length);
  });
});

describe("the cursor's way", () => {
  const all = stops(state, false);
  it("leads from the address through every live member to the button that submits", () => {
    expect(all[0]?.id).toBe(fieldId(HOUSEHOLD, "address"));
    expect(all[all.length - 1]).toEqual(SUBMIT);
    const live = memberForms(state).filter((form) => form.person?.live);
    expect(live.length).toBeGreaterThan(0);
    for (const form of live) expect(firstOf(all, form.target)).toBeDefined();
  });
  it("stops nowhere twice, and never where nothing can be typed", () => {
    expect(new Set(all.map((stop) => stop.id)).size).toBe(all.length);
    const names = all.filter((stop) => stop.target === HOUSEHOLD).map((stop) => stop.name);
    for (const name of ["total_income", "net_income", "head_name", "household_id", "resettlement_address", "production_power"])
      expect(names).not.toContain(name);
  });
  it("can be walked back", () => {
    for (let at = 1; at < all.length; at += 1) expect(neighbour(all, all[at]?.id as string, -1)).toBe(all[at - 1]);
    expect(neighbour(all, all[0]?.id as string, -1)).toBeUndefined();
  });
  it("goes from section to section and over a whole member", () => {
    const second = sectionNeighbour(all, all[0]?.id as string, 1);
    expect(second).toMatchObject({ section: "income", target: HOUSEHOLD });
    expect(sectionNeighbour(all, second?.id as string, -1)).toBe(all[0]);
    const member = memberForms(state)[0]?.target as string;
    const after = afterTarget(all, member, firstOf(all, member)?.id as string);
    expect(after?.target).not.toBe(member);
  });
  it("finds an item by the number printed on paper", () => {
    const member = memberForms(state).find((form) => form.person?.live)?.target as string;
    expect(stopOfNumber(all, state, "31", HOUSEHOLD)?.name).toBe("tr_pension");
    expect(stopOfNumber(all, state, "ｈ９", HOUSEHOLD)?.name).toBe("wage_income");
    expect(stopOfNumber(all, state, "m23", HOUSEHOLD)).toMatchObject({ target: member, name: "work_months" });
    expect(stopOfNumber(all, state, "23", member)).toMatchObject({ target: member, name: "work_months" });
    for (const typed of ["", "H59", "999", "abc"]) expect(stopOfNumber(all, state, typed, HOUSEHOLD)).toBeUndefined();
  });
  it("opens the file items only where they are unfolded", () => {
    expect(all.some((stop) => stop.section === "registry")).toBe(false);
    expect(stops(state, true).some((stop) => stop.section === "registry")).toBe(true);
  });
});

describe("layout", () => {
  it("keeps the order of the paper", () => {
    expect(paperSections(state).map((one) => one.key)).toEqual(["basics", "income", "living"]);
    expect(shownFields(section("basics")).map((one) => one.indicator.number)).toEqual(["H01", "H02", "H03", "H04", "H05", "H06", "H07", "H08"]);
  });
  it("never says 'unchanged' of income", () => {
    expect(sectionKeyMeans(section("income"))).toBe("empty");
    expect(sectionKeyMeans(section("basics"))).toBe("tick");
  });
  it("says nothing of a new household's state by one key", () => {
    const fresh = { ...section("living"), fields: section("living").fields.map((one) => ({ ...one, last: undefined })) };
    expect(sectionKeyMeans(fresh)).toBe("nothing");
  });
  it("takes 'the rest: none' as 0 and no, and leaves the parts of a sum empty", () => {
    const rest = new Map(restIsNone(section("income"), tree).map(({ name, value }) => [name, value]));
    expect(rest.get("wage_income")).toBe(0);
    expect(rest.get("tr_dibao")).toBe(0);
    expect(rest.has("wage_migrant")).toBe(false);
    expect(rest.has("total_income")).toBe(false);
    const member = memberForms(state)[0];
    const work = restIsNone(member?.sections.find((one) => one.key === "work") as SectionState, tree);
    expect(work).toContainEqual({ name: "medical_assistance", value: false });
  });
  it("names the sections that still stand on last year's values", () => {
    expect(unconfirmed(state).map((one) => one.section.key)).toContain("basics");
    expect(unconfirmed(state).map((one) => one.section.key)).not.toContain("income");
  });
});

describe("sums", () => {
  const values = (held: Record<string, Value>) => (name: string): Value | undefined => held[name];
  const none = (): boolean => false;
  it("sets parts in below their sum as on paper", () => {
    expect(tree.depth("wage_income")).toBe(0);
    expect(tree.depth("wage_migrant")).toBe(1);
    expect(tree.depth("prop_other")).toBe(1);
    expect(tree.depth("prop_land_rent")).toBe(2);
    expect(tree.depth("tr_dibao")).toBe(1);
    expect(tree.depth("business_income")).toBe(0);
  });
  it("fills a sum from its parts", () => {
    expect(filledSums(tree, "wage_migrant", values({}), values({ wage_migrant: 1_200_000 }), none)).toEqual([{ name: "wage_income", value: 1_200_000 }]);
    const before = { wage_migrant: 1_000, wage_income: 1_000 };
    expect(filledSums(tree, "wage_gather", values(before), values({ ...before, wage_gather: 500 }), none)).toEqual([{ name: "wage_income", value: 1_500 }]);
  });
  it("leaves a sum alone that somebody typed, and says where the two differ", () => {
    const before = { wage_migrant: 1_000, wage_income: 9_000 };
    expect(filledSums(tree, "wage_migrant", values(before), values({ ...before, wage_migrant: 2_000 }), none)).toEqual([]);
    expect(partsDiffer(tree, { ...field("wage_income"), value: 9_000 }, values({ wage_migrant: 2_000 }))).toBe(2_000);
    expect(partsDiffer(tree, { ...field("wage_income"), value: 2_000 }, values({ wage_migrant: 2_000 }))).toBeNull();
  });
  it("never types into what the system computes", () => {
    expect(filledSums(tree, "tr_dibao", values({}), values({ tr_dibao: 100 }), (name) => field(name).computed)).toEqual([]);
  });
  it("knows nothing from nothing", () => {
    expect(sumOfParts(["a", "b"], values({ a: null }))).toBeNull();
    expect(sumOfParts(["a", "b"], values({ a: 0 }))).toBe(0);
  });
});

describe("a sum typed into a money field", () => {
  it.each([
    ["3000*8+1200", "25200"],
    ["1200.50＋0.5", "1201"],
    ["0.1+0.2", "0.3"],
    ["3000×8", "24000"],
    ["5000-800", "4200"],
  ])("%s is %s", (typed, sum) => expect(calculate(typed)).toBe(sum));
  it.each(["3000", "-5", "3+", "abc", "1-2", "2021-09-30x", "", "3**4"])("%s is taken as typed", (typed) => expect(calculate(typed)).toBeNull());
});

describe("lists", () => {
  const health = { ...field("household_attribute"), indicator: { ...field("household_attribute").indicator, multi: true } };
  it("shows what is carried over as chosen, and takes one in or out", () => {
    const carried: FieldState = { ...health, value: undefined, carried: true, last: ["02", "03"] };
    expect(isChosen(carried, { code: "03", zh: "", key: "" })).toBe(true);
    expect(toggled(carried, "01")).toEqual(["01", "02", "03"]);
    expect(toggled(carried, "02")).toEqual(["03"]);
    expect(toggled({ ...carried, value: ["02"], carried: false }, "02")).toBeNull();
  });
});

describe("an arrival's number", () => {
  it("gives birth date and sex", () => {
    expect(fromIdentity("34032320040229123x")).toEqual({ birth: "2004-02-29", sex: "1" });
    expect(fromIdentity("340323197601017724")).toEqual({ birth: "1976-01-01", sex: "2" });
  });
  it("gives nothing from what is no number", () => {
    for (const typed of ["", "3403232004", "340323200302291234", "340323200413011234"]) expect(fromIdentity(typed)).toEqual({ birth: null, sex: null });
  });
});

describe("what is listed on top", () => {
  const finding = { id: "x", kind: "rule", severity: "error", target: HOUSEHOLD, items: ["total_income"], message: "低于标准", where: "", fresh: true } as const;
  it("does not judge a sum before the sheet is filled in", () => {
    const with_: HouseholdState = { ...state, findings: [{ ...finding, items: ["total_income"] }] };
    expect(worthShowing(with_, false)).toEqual([]);
    expect(worthShowing(with_, true)).toHaveLength(1);
  });
  it("does not cry wolf on a blank household", () => {
    const stale: HouseholdState = { ...state, findings: [{ ...finding, items: ["address"], fresh: false }] };
    expect(worthShowing(stale, false)).toEqual([]);
  });
  it("leads to the item that is empty", () => {
    expect(placeOf(state, HOUSEHOLD, ["address", "wage_income"])).not.toBe("");
    expect(placeOf(state, HOUSEHOLD, ["no_such_item"])).toBe("");
  });
  it("asks for the ticks that were forgotten only when submission was tried", () => {
    expect(problems(state, pack.rules, false).some((one) => one.id.startsWith("open-"))).toBe(false);
    const open = problems(state, pack.rules, true).filter((one) => one.id.startsWith("open-"));
    expect(open.length).toBe(unconfirmed(state).length);
    expect(open[0]).toMatchObject({ kind: "bad", goto: fieldId(HOUSEHOLD, "address") });
  });
  it("says what the server and the screen both found once", () => {
    const both: HouseholdState = {
      ...state,
      findings: [{ ...finding, items: ["address"] }],
      faults: [{ target: HOUSEHOLD, name: "address", label: "家庭住址", message: "低于标准。看账", origin: "server" }],
    };
    expect(problems(both, pack.rules, true).filter((one) => one.message.startsWith("低于标准"))).toHaveLength(1);
  });
  it("counts in plain words", () => {
    const all = [{ kind: "bad" }, { kind: "warn" }, { kind: "warn" }] as const;
    expect(countWords(counts(all))).toBe("1 处必须改正，2 处请核对");
    expect(countWords(counts([]))).toBe("");
  });
});

describe("words", () => {
  const status: Status = { phase: "idle", message: "", retryAt: null, unsent: 0, unsentElsewhere: 0, savedAt: "2021-11-15T13:43:10Z", durable: true };
  it("says when a day ends as the notice does, in county time", () => {
    expect(deadlineWords("2021-11-18T00:00:00+08:00")).toBe("2021-11-17 24:00");
    expect(deadlineWords("2021-11-17T10:00:00Z")).toBe("2021-11-17 18:00");
    expect(deadlineWords(null)).toBe("");
    expect(momentWords("")).toBe("");
  });
  it("says quietly what is saved and loudly what is not", () => {
    expect(savingWords(status).words).toBe("已保存 21:43");
    expect(savingWords({ ...status, phase: "offline", unsent: 3 }).words).toBe("3 项已存在本机，联网后上传");
    expect(savingWords({ ...status, phase: "offline", unsent: 3, durable: false })).toMatchObject({ kind: "bad" });
    for (const phase of ["waiting", "sending", "password", "closed", "gone", "broken"] as const)
      expect(savingWords({ ...status, phase, unsent: 2 }).words).not.toBe("");
  });
  it("names the time an item asks about", () => {
    expect(windowWords(pack, "period")).toBe("2020-10-01 至 2021-09-30");
    expect(windowWords(pack, "as_of")).toBe("截至 2021-09-30");
  });
  it("tells both sides of a conflict, earlier first, and who of them looks", () => {
    const conflict: Conflict = {
      id: "1", target: HOUSEHOLD, name: "wage_income", mine: 2, theirs: 1, by: "小陈", at: "2021-11-15T01:00:00Z", source: "web",
      offered_by: "老李", offered_at: "2021-11-15T02:00:00Z", offered_source: "phone",
    };
    expect(conflictSides(conflict, "老李")).toEqual([
      { choice: "theirs", who: "小陈", when: "2021-11-15 09:00", from: "电脑录入" },
      { choice: "mine", who: "老李（我）", when: "2021-11-15 10:00", from: "手机采集" },
    ]);
  });
  it("says units once", () => {
    expect(unitWords(field("farmland_mu").indicator)).toBe("亩");
    expect(unitWords(field("wage_income").indicator)).toBe("");
    expect(yuanWords(-1205)).toBe("-12.05");
  });
});
