/** A place of work: written by name, first letters or code, shown by name. */

import { describe, expect, it } from "vitest";

import { display, type Indicator, inputText, isListed, itemsOf, type PackBundle, parseText, search } from "../src/engine";

const divisions = [
  { code: "340323", zh: "蚌埠市固镇县", key: "gzx" },
  { code: "310115", zh: "上海市浦东新区", key: "pdxq" },
  { code: "320106", zh: "南京市鼓楼区", key: "glq" },
  { code: "320302", zh: "徐州市鼓楼区", key: "glq" },
];
const pack = { lists: { divisions }, indicators: {} } as unknown as PackBundle;
const item = { form: "person_year", name: "work_place_code", zh: "务工所在地", type: "ref", list: "divisions", multi: false, home: "record" } as unknown as Indicator;

describe("a place of work", () => {
  it("is found by name and by first letters", () => {
    expect(isListed(item)).toBe(true);
    expect(search(itemsOf(pack, item), "gz").map(({ code }) => code)).toEqual(["340323"]);
    expect(search(itemsOf(pack, item), "鼓楼").map(({ code }) => code)).toEqual(["320106", "320302"]);
    expect(search(itemsOf(pack, item), "上海").map(({ code }) => code)).toEqual(["310115"]);
  });

  it("is taken by name, by letters or part of a name that only one has, and by code", () => {
    for (const typed of ["蚌埠市固镇县", "固镇", "gzx", "340323", "３４０３２３"]) expect(parseText(pack, item, typed)).toEqual({ value: "340323" });
    expect(parseText(pack, item, "990000")).toEqual({ value: "990000" }); // a list that is out of date must not refuse
    expect(parseText(pack, item, "340323100201")).toEqual({ value: "340323100201" });
    expect(parseText(pack, item, "鼓楼区")).toHaveProperty("fault");
    expect(parseText(pack, item, "天上")).toHaveProperty("fault");
    expect(parseText(pack, item, "")).toEqual({ value: null });
  });

  it("is shown by name, a township's by its county's, an unknown one as it is", () => {
    expect(display(pack, item, "310115")).toBe("上海市浦东新区");
    expect(inputText(pack, item, "340323100")).toBe("蚌埠市固镇县");
    expect(display(pack, item, "990000")).toBe("990000");
  });

  it("can still be typed as a code where the list could not be had", () => {
    const bare = { lists: { divisions: [] }, indicators: {} } as unknown as PackBundle;
    expect(parseText(bare, item, "310115")).toEqual({ value: "310115" });
    expect(parseText(bare, item, "上海")).toHaveProperty("fault");
    expect(display(bare, item, "310115")).toBe("310115");
  });

  it("shows the first hundred of a long list", () => {
    const many = Array.from({ length: 3000 }, (_, at) => ({ code: String(100000 + at), zh: `县${at}`, key: `x${at}` }));
    expect(search(many, "")).toHaveLength(100);
    expect(search(many, "x")).toHaveLength(100);
    expect(search(many, "县2999").map(({ code }) => code)).toEqual(["102999"]);
  });
});
