import { describe, expect, it } from "vitest";

import { type Column, draftOf, isSecret, meaning, newId, newRow, rowsOf, take, toSend } from "../src/site/grid/model";
import { cellsOf, readBlock } from "../src/site/grid/paste";
import { dayText, found, under } from "../src/site/pick";

const column = (name: string, more: Partial<Column> = {}): Column => ({
  name, title: name, unit: "", kind: "text", many: false, ref: "", within: "", above: "", headers: [name], options: [], ...more,
});
const COLUMNS = [
  column("household_id", { kind: "ref", ref: "household", headers: ["户编号", "Household no.", "household_id", "户主姓名", "农户"] }),
  column("bank", { headers: ["放贷银行", "Lending bank"] }),
  column("principal", { kind: "number", headers: ["贷款金额"] }),
  column("granted_on", { kind: "date", headers: ["发放日期"] }),
];
const read = (text: string, from = 0) => readBlock(cellsOf(text), COLUMNS, from);

describe("a block from a spreadsheet", () => {
  it("is read with quotes, line breaks in cells and a ragged end", () => {
    expect(cellsOf('a\t"b\nc"\td\r\n"say ""x"""\t\t\r\n')).toEqual([["a", "b\nc", "d"], ['say "x"', "", ""]]);
    expect(cellsOf('"open\tb')).toEqual([['"open', "b"]]);
    expect(cellsOf('5" pipe\tx')).toEqual([['5" pipe', "x"]]);
  });
  it("goes by its header, wherever the columns stand, units and stars left aside", () => {
    const pasted = read("序号\t贷款金额（元）*\t户编号\t户主姓名\n1\t30000\t3401\t张三\n2\t\t3402\t李四\n");
    expect(pasted.hasHeader).toBe(true);
    expect(pasted.rows).toEqual([{ principal: "30000", household_id: "3401" }, { household_id: "3402" }]);
    expect(pasted.surplus).toEqual([]);
    expect(pasted.leftOver).toBe("");
  });
  it("goes by the grid's order without one, from the cell it is pasted into", () => {
    expect(read("农商行\t30000\n邮储\t20000", 1).rows).toEqual([{ bank: "农商行", principal: "30000" }, { bank: "邮储", principal: "20000" }]);
  });
  it("tells columns that the grid lacks and hands their contents back", () => {
    const pasted = read("户编号\t放贷银行\t备注\t经办\n3401\t农商行\t转贷\t\n3402\t邮储\t\t王五");
    expect(pasted.rows.length).toBe(2);
    expect(pasted.surplus).toEqual(["备注", "经办"]);
    expect(pasted.leftOver.split("\n")).toEqual(["户编号\t备注\t经办", "3401\t转贷\t", "3402\t\t王五"]);
    const plain = readBlock(cellsOf("3401\t农商行\t1\t2021\t多\t余"), COLUMNS, 0, [], (n) => `第 ${n} 列`);
    expect(plain.surplus).toEqual(["第 5 列", "第 6 列"]);
    expect(plain.leftOver).toBe("3401\t多\t余");
  });
  it("skips titles, blanks and sums, and says so", () => {
    const pasted = read("小额信贷台账\t\t\n户编号\t放贷银行\t贷款金额\n\t\t\n3401\t农商行\t1\n合 计\t\t1\n");
    expect(pasted.rows).toEqual([{ household_id: "3401", bank: "农商行", principal: "1" }]);
    expect([pasted.blank, pasted.skipped]).toEqual([1, ["小额信贷台账", "合 计 1"]]);
    expect(pasted.leftOver).toContain("小额信贷台账");
  });
  it("gives a cell merged over rows to each of them and skips a row that is one merged cell", () => {
    const cells = cellsOf("户编号\t放贷银行\n东关社区\t\n3401\t农商行\n\t邮储\n");
    const pasted = readBlock(cells, COLUMNS, 0, [{ row: 2, column: 0, rows: 2, columns: 1 }, { row: 1, column: 0, rows: 1, columns: 2 }]);
    expect(pasted.rows).toEqual([{ household_id: "3401", bank: "农商行" }, { household_id: "3401", bank: "邮储" }]);
    expect(pasted.skipped).toEqual(["东关社区"]);
  });
  it("keeps every filled cell somewhere, whatever is pasted", () => {
    let seed = 5;
    const draw = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 200; round++) {
      const cells = Array.from({ length: 1 + draw(6) }, () => Array.from({ length: 1 + draw(7) }, () => (draw(3) ? `x${draw(100000)}` : "")));
      if (draw(2)) cells.unshift(["户编号", "备注", "贷款金额", "", "放贷银行"]);
      const pasted = readBlock(cells, COLUMNS, draw(4));
      const kept = pasted.rows.flatMap((row) => Object.values(row)).concat(pasted.leftOver.split(/[\t\n]/));
      for (const cell of cells.flat().filter((one) => one.startsWith("x"))) expect(kept).toContain(cell);
    }
  });
});

describe("a cell", () => {
  const CLASSES = column("c", { kind: "code", options: [["01", "种植", "zz"], ["02", "其他", "qt"], ["03", "其他", "qt"]] });
  it("means the code of its word, the chosen one where the word stands twice", () => {
    expect(meaning(CLASSES, { text: "种植", ids: {} })).toEqual({ texts: ["01"], ids: [] });
    expect(meaning(CLASSES, { text: "其他", ids: {} })).toEqual({ texts: ["其他"], ids: [] });
    expect(meaning(CLASSES, { text: "其他", ids: { 其他: "03" } })).toEqual({ texts: ["03"], ids: [] });
  });
  it("means the chosen reference until another text is typed", () => {
    const person = column("p", { kind: "ref", ref: "person" });
    expect(meaning(person, { text: "王芳", ids: { 王芳: "u1" } })).toEqual({ texts: [], ids: ["u1"] });
    expect(meaning(person, { text: "王方", ids: { 王芳: "u1" } })).toEqual({ texts: ["王方"], ids: [] });
    const persons = column("p", { kind: "refs", ref: "user", many: true });
    expect(meaning(persons, { text: "甲、乙", ids: { 甲: "1", 乙: "2" } })).toEqual({ texts: [], ids: ["1", "2"] });
    expect(meaning(persons, { text: "甲，丙", ids: { 甲: "1" } })).toEqual({ texts: ["丙"], ids: ["1"] });
  });
});

describe("the draft", () => {
  it("comes back with the same ids and without numbers of persons", () => {
    const row = newRow({ household_id: { text: "3403231002010001", ids: {} }, bank: { text: "卡6222020200112233445", ids: {} }, principal: { text: "1", ids: {} } });
    const [back] = rowsOf(draftOf([row, newRow()], COLUMNS));
    expect(back!.id).toBe(row.id);
    expect(Object.keys(back!.cells)).toEqual(["household_id", "principal"]);
    expect(isSecret(COLUMNS[0], "34032319650101123X")).toBe(true);
    expect(draftOf([newRow()], COLUMNS)).toBe("");
    expect(rowsOf("{broken")).toEqual([]);
  });
  it("believes no answer to what was changed meanwhile", () => {
    const row = newRow({ bank: { text: "a", ids: {} } });
    const answer = { id: row.id, kept: false, faults: {}, doubts: [], choices: {}, cells: { bank: { text: "A", ids: {} } }, place: "" };
    row.edition = 3;
    expect(take(row, answer, 2)).toBe(false);
    expect(take(row, answer, 3)).toBe(true);
    expect([row.cells["bank"]!.text, row.state]).toEqual(["A", "good"]);
  });
  it("has ids that the server takes for UUIDs", () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(toSend(COLUMNS, newRow({ bank: { text: "x", ids: {} } }), 2)).toMatchObject({ number: 2, cells: { bank: { texts: ["x"], ids: [] } } });
  });
});

describe("words and days", () => {
  const OPTIONS = [{ code: "3901", word: "种植", letters: "zz" }, { code: "3904", word: "光伏", letters: "gf" }, { code: "4001", word: "资助", letters: "zz" }];
  it("are found by first letters, part or code, and below the answer above", () => {
    expect(found(OPTIONS, "zz").map((one) => one.code)).toEqual(["3901", "4001"]);
    expect(found(OPTIONS, "伏").map((one) => one.code)).toEqual(["3904"]);
    expect(found(OPTIONS, "4001").map((one) => one.word)).toEqual(["资助"]);
    expect(found(under(OPTIONS, ["40"]), "z").map((one) => one.code)).toEqual(["4001"]);
    expect(under(OPTIONS, [""]).length).toBe(3);
  });
  it("are typed as eight digits, or as spreadsheets write them", () => {
    for (const typed of ["20210930", "2021.9.30", "2021/9/30", "2021年9月30日", "２０２１0930"]) expect(dayText(typed, "date")).toBe("2021-09-30");
    expect(dayText("202109", "month")).toBe("2021-09");
    expect(dayText("2021年9月", "month")).toBe("2021-09");
    expect(dayText("2021", "month")).toBe("2021");
    expect(dayText("昨天", "date")).toBe("昨天");
  });
});
