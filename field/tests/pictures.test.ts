/** Places as the field of a form wants them; the pad and the previews are worked by a browser in tests/end_to_end. */

import { expect, it } from "vitest";

import { pointText } from "../src/site/pictures";

it("writes a place with six decimals, latitude first", () => {
  expect(pointText(33.31761239, 117.3134219)).toBe("33.317612, 117.313422");
  expect(pointText(33.3, 117)).toBe("33.300000, 117.000000");
});
