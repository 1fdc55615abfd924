// What every server-rendered page gets. Pages work without it; this makes them quicker: fold the rail, watch a job, show a number in full,
// ask before a public act, open the tree of places, draw chart and map, sign, help with a rule.
import "./site.scss";

import { askBefore } from "./confirm";
import { chooseReferences } from "./choose";
import { watchJobs } from "./jobs";
import { drawMaps } from "./map";
import { openPictureFields } from "./pictures";
import { openPlaces } from "./places";
import { foldRail } from "./rail";
import { openRegisterForms } from "./register-form";
import { showInFull } from "./reveal";
import { chooseAll } from "./ticks";
import { showUnsent } from "./unsent";

foldRail();
askBefore();
watchJobs();
showInFull();
openPlaces();
chooseReferences();
openRegisterForms();
openPictureFields();
chooseAll();
showUnsent();
drawMaps();

const editor = document.querySelector<HTMLFormElement>("form[data-rule-editor]");
if (editor) void import("./rules").then(({ editRules }) => editRules(editor));
const grid = document.querySelector<HTMLElement>("[data-grid]");
if (grid) void import("./grid/grid").then(({ openGrid }) => openGrid(grid));

const charts = document.querySelectorAll<HTMLElement>("[data-chart]");
if (charts.length > 0) {
  void import("./charts").then(({ draw }) => charts.forEach(draw));
}
