/** From bundle and changes to what a screen shows: fields, sections, members, findings, faults, progress. Pure. */

import { display, inputText, sameValue } from "./codec";
import { type Entry, ordered, type Entries } from "./entries";
import { evaluate } from "../expressions/evaluate";
import { findingsOf } from "./findings";
import { carries, HEAD, headName, indicatorOf, modelOf, type Model, type Part, type PersonPart } from "./model";
import { named, say } from "../words";
import { scopesOf, type Scopes } from "./scopes";
import {
  HOUSEHOLD,
  type Fault,
  type FieldState,
  type Finding,
  type FormKey,
  type FormState,
  type HouseholdBundle,
  type HouseholdState,
  type Indicator,
  type Mark,
  type Op,
  type PackBundle,
  type PersonState,
  type Section,
  type SectionState,
  type ServerFault,
  type Target,
  type Value,
} from "./types";

/** What the store knows beside bundle and changes. */
export interface Beside {
  me: number;
  /** Entries whose writing into the journal is not done yet. */
  writing: ReadonlySet<string>;
  /** The save on its way to the server just now. */
  sending: string | null;
  /** "target name" of what was acknowledged since the page was opened. */
  stored: ReadonlySet<string>;
  submitFaults: readonly ServerFault[];
  merged: { target: Target; name: string }[];
  savedAt: string | null;
}

const ELSEWHERE = new Set(["image", "signature"]);
const SYSTEM = new Set(["household_id", "person_id", "admin_village_code", "member_state", "change_kind", "form_year", "entered_by", "checked_by", "entered_on"]);

export function editable(pack: PackBundle, indicator: Indicator): boolean {
  if (indicator.home === "computed" || indicator.home === "typed" || indicator.home === "spell") return false;
  return !indicator.retired && !ELSEWHERE.has(indicator.type) && !SYSTEM.has(indicator.name) && !pack.not_typed?.includes(indicator.name);
}

class View {
  readonly model: Model;
  readonly scopes: Scopes;
  readonly findings: Finding[];
  readonly entries: Entry[];
  private readonly byKey = new Map<string, Entry>();

  constructor(
    readonly pack: PackBundle,
    readonly bundle: HouseholdBundle,
    entries: Entries,
    readonly beside: Beside,
  ) {
    this.entries = ordered(entries);
    for (const entry of this.entries) this.byKey.set(`${entry.target} ${entry.name}`, entry);
    const ops = this.entries.flatMap((entry): Op[] => (entry.op ? [entry.op] : []));
    this.model = modelOf(pack, bundle, ops, beside.me);
    this.scopes = scopesOf(pack, bundle, this.model);
    this.findings = findingsOf(pack, this.model, this.scopes, bundle.may.sensitive !== false);
  }

  entry(target: Target, name: string): Entry | undefined {
    return this.byKey.get(`${target} ${name}`);
  }

  mark(target: Target, name: string): Mark {
    const entry = this.entry(target, name);
    if (!entry) return this.beside.stored.has(`${target} ${name}`) ? "stored" : "none";
    if (this.beside.writing.has(entry.id)) return "writing";
    return entry.state === "sending" && entry.save !== this.beside.sending ? "waiting" : entry.state;
  }

  field(part: Part, indicator: Indicator): FieldState {
    const { pack } = this;
    const { name } = indicator;
    const entry = this.entry(part.target, name);
    const scope = part.target === HOUSEHOLD ? this.scopes.household : this.scopes.persons.get(part.target);
    const value = this.value(part, indicator);
    const last = part.last?.[name];
    const carried = carries(indicator) && value === undefined && last !== undefined && last !== null;
    const masked = this.isMasked(part, indicator, value);
    const conflict = this.bundle.conflicts.find((found) => found.target === part.target && found.name === name) ?? null;
    return {
      target: part.target,
      name,
      indicator,
      value,
      last,
      text: entry?.state === "draft" && entry.text !== null ? entry.text : inputText(pack, indicator, carried ? last : value),
      words: display(pack, indicator, value),
      lastWords: display(pack, indicator, last),
      carried,
      relevant: !indicator.relevance || (scope !== undefined && evaluate(indicator.relevance, scope) === true),
      editable: this.bundle.may.edit && editable(pack, indicator),
      computed: indicator.home === "computed",
      masked,
      changed: value !== undefined && last !== undefined && !sameValue(value, last),
      fault: entry?.fault ?? null,
      findings: this.findings.filter((finding) => finding.target === part.target && finding.items.includes(name)),
      mark: this.mark(part.target, name),
      conflict,
    };
  }

  private value(part: Part, indicator: Indicator): Value | undefined {
    if (indicator.home !== "computed") return part.values[indicator.name];
    const computed = this.scopes.computed.get(part.target)?.[indicator.name];
    if (computed !== undefined) return computed;
    if (part.target === HOUSEHOLD) {
      if (indicator.name === "members_live") return this.model.persons.filter((person) => person.live).length;
      if (indicator.name === "head_name") return headName(this.bundle, this.model);
    }
    return part.values[indicator.name];
  }

  private isMasked(part: Part, indicator: Indicator, value: Value | undefined): boolean {
    if (value === undefined || value === null || part.changed.has(indicator.name)) return false;
    return indicator.privacy === "secret" || (indicator.privacy === "sensitive" && this.bundle.may.sensitive === false);
  }

  section(part: Part, section: Section): SectionState {
    const fields = section.items.flatMap((name): FieldState[] => {
      const indicator = indicatorOf(this.pack, part.form, name);
      return indicator && !indicator.retired ? [this.field(part, indicator)] : [];
    });
    const asked = fields.filter((field) => isAsked(field));
    const answered = asked.filter((field) => field.value !== undefined && this.entry(part.target, field.name)?.state !== "draft").length;
    const ticked = part.ticks[section.key] ?? null;
    return {
      target: part.target,
      key: section.key,
      title: section.title,
      kind: section.kind,
      tickable: section.tickable && this.bundle.may.edit && part.last !== null,
      ticked,
      tickMark: this.mark(part.target, `section:${section.key}`),
      fields,
      asked: asked.length,
      answered,
      status: answered === asked.length ? "answered" : answered > 0 || ticked ? "partly" : "untouched",
    };
  }

  form(part: Part, person: PersonState | null): FormState {
    const form = this.pack.forms[part.form];
    return { target: part.target, form: part.form, title: person?.name || form.title, person, sections: form.sections.map((section) => this.section(part, section)) };
  }

  person(part: PersonPart): PersonState {
    const words = (name: string): string => {
      const indicator = indicatorOf(this.pack, "person_year", name);
      return indicator ? display(this.pack, indicator, part.values[name]) : "";
    };
    const birth = this.scopes.persons.get(part.target)?.row["birth_date"];
    const on = this.pack.consts["state_date"];
    return {
      id: part.target,
      code: part.code,
      name: words("member_name"),
      live: part.live,
      head: part.live && part.values["relation_to_head"] === HEAD,
      arriving: part.arriving,
      relation: words("relation_to_head"),
      sex: words("sex"),
      age: typeof birth === "number" && on !== undefined && on >= birth ? Math.floor((on - birth) / 10000) : null,
      changeReason: words("change_reason"),
      changeDate: words("change_date"),
      mark: part.arriving ? this.mark(part.target, "arrive") : this.mark(part.target, "member"),
    };
  }

  faults(): Fault[] {
    const label = (target: Target, name: string): string => {
      const form: FormKey = target === HOUSEHOLD ? "household_year" : "person_year";
      const section = this.pack.forms[form].sections.find((found) => found.key === name || `section:${found.key}` === name);
      const indicator = indicatorOf(this.pack, form, name);
      return indicator ? named(indicator) : (section?.title ?? say.acts[name] ?? "");
    };
    const found = this.entries.flatMap((entry): Fault[] =>
      entry.fault
        ? [
            {
              target: entry.target,
              name: entry.name.replace(/^section:/, ""),
              label: label(entry.target, entry.name),
              message: entry.fault,
              origin: entry.state === "refused" ? "server" : "typed",
            },
          ]
        : [],
    );
    return [...found, ...this.beside.submitFaults.map((fault): Fault => ({ ...fault, label: label(fault.target, fault.name), origin: "server" }))];
  }
}

/** Is an answer expected: shown, typed here, and of the record. */
export function isAsked(field: FieldState): boolean {
  const { indicator } = field;
  return field.relevant && indicator.home === "record" && indicator.kind !== "admin" && !ELSEWHERE.has(indicator.type) && !SYSTEM.has(indicator.name);
}

export function shownOf(pack: PackBundle, bundle: HouseholdBundle, entries: Entries, beside: Beside): HouseholdState {
  const view = new View(pack, bundle, entries, beside);
  const { model } = view;
  const persons = [...model.persons.filter((person) => person.live), ...model.persons.filter((person) => !person.live)];
  const forms = [view.form(model.household, null), ...persons.map((part) => view.form(part, view.person(part)))];
  // Of one who left, nothing is asked.
  const sections = forms.filter((form) => form.person?.live !== false).flatMap((form) => form.sections.filter((section) => section.asked > 0));
  return {
    id: bundle.household.id,
    code: bundle.household.code,
    village: bundle.household.village,
    naturalVillage: bundle.household.natural_village,
    headName: headName(bundle, model),
    year: pack.campaign.year,
    recordState: bundle.record.state,
    reopened: bundle.reopened ?? false,
    returnReason: bundle.return_reason,
    locked: bundle.locked,
    may: bundle.may,
    forms,
    visit: { ...model.visit, mark: view.mark(HOUSEHOLD, "visit"), fault: view.entry(HOUSEHOLD, "visit")?.fault ?? null },
    enteredBy: bundle.entered_by,
    checkedBy: bundle.checked_by,
    findings: view.findings,
    faults: view.faults(),
    conflicts: bundle.conflicts,
    clues: bundle.clues,
    merged: beside.merged,
    sections: { answered: sections.filter((section) => section.status === "answered").length, total: sections.length },
    unsent: entries.size,
    savedAt: beside.savedAt,
    nextUrl: bundle.next_url,
    previousUrl: bundle.previous_url,
  };
}
