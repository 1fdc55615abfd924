import { describe, expect, it } from "vitest";

import { lettering } from "../src/site/map";

describe("names on the map", () => {
  it("stand whole, on one line or two, or not at all", () => {
    expect(lettering("刘魏湖村", 5, 1)).toEqual(["刘魏湖村"]);
    expect(lettering("固镇县经济开发区", 4, 2)).toEqual(["固镇县经", "济开发区"]);
    expect(lettering("东关社区", 3, 1)).toEqual([]);
    expect(lettering("固镇县经济开发区", 3, 5)).toEqual([]);
    expect(lettering("", 9, 9)).toEqual([]);
  });
});
