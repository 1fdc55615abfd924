/** The desk entry screen: fills `#desk-entry` of fieldwork/entry.html. */

import { createApp } from "vue";

import "./desk.css";
import DeskPage from "./DeskPage.vue";
import { speak } from "../words";

const root = document.getElementById("desk-entry");
if (root) {
  const { household = "", user = "0", username = "", name = "" } = root.dataset;
  speak(document.documentElement.lang);
  createApp(DeskPage, { householdId: household, me: { id: Number(user), username, name } }).mount(root);
}
