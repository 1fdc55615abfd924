/** Plain words for times, states and saving. */

import type { Clue, Conflict, HouseholdState, PackBundle, RecordState, SectionState } from "../../engine";
import type { Status } from "../../journal";
import { say } from "../../words";

/** 2021-11-18T00:00:00+08:00 → "2021-11-17 24:00", as the notice writes it; county time whatever the computer's zone says. */
export function deadlineWords(iso: string | null): string {
  if (!iso) return "";
  const parts = shanghai(iso);
  if (parts.time !== "00:00") return `${parts.day} ${parts.time}`;
  return `${shanghai(new Date(Date.parse(iso) - 60_000).toISOString()).day} 24:00`;
}

function shanghai(iso: string): { day: string; time: string } {
  if (Number.isNaN(Date.parse(iso))) return { day: "", time: "" }; // on its way: only the server says when
  const moment = new Date(Date.parse(iso) + 8 * 3600_000).toISOString();
  return { day: moment.slice(0, 10), time: moment.slice(11, 16) };
}

export function timeWords(iso: string): string {
  return shanghai(iso).time;
}

export function momentWords(iso: string): string {
  const parts = shanghai(iso);
  return `${parts.day} ${parts.time}`.trim();
}

export function windowWords(pack: PackBundle, kind: SectionState["kind"] | "period" | "as_of"): string {
  const { period_start, period_end, state_date } = pack.campaign;
  if (kind === "period") return say.section.period(period_start, period_end);
  if (kind === "as_of") return say.section.asOf(state_date);
  return say.section.mixed(period_start, period_end, state_date);
}

export interface StateWords {
  words: string;
  shape: string;
  kind: "ok" | "warn" | "bad" | "todo";
}

const STATES: Readonly<Record<RecordState, Omit<StateWords, "words">>> = {
  empty: { shape: "○", kind: "todo" },
  draft: { shape: "◐", kind: "todo" },
  submitted: { shape: "●", kind: "ok" },
  returned: { shape: "▲", kind: "warn" },
  approved: { shape: "●", kind: "ok" },
  locked: { shape: "■", kind: "todo" },
};

/** `reopened`: handed in before, to be handed in again. */
export function stateWords(state: RecordState, reopened = false): StateWords {
  return { ...STATES[state], words: reopened ? say.states.reopened : say.states[state] };
}

/** Quiet and true: what is on the server, what is only here, what to do. `drafts`: fields whose text is not finished; they are kept on this device and wait for a person, not for the line. */
export function savingWords(status: Status, now: number = Date.now(), drafts = 0): StateWords {
  const count = status.unsent;
  if (drafts > 0 && count <= drafts && (status.phase === "idle" || status.phase === "waiting"))
    return { words: say.saving.typing(drafts, status.durable), shape: "✎", kind: "todo" };
  switch (status.phase) {
    case "idle":
      // Typed this moment and not in the journal yet.
      if (count > 0) return { words: say.saving.saving(count), shape: "◐", kind: "todo" };
      return { words: status.savedAt ? say.saving.savedAt(timeWords(status.savedAt)) : say.saving.nothing, shape: "●", kind: "ok" };
    case "waiting":
    case "sending":
      return { words: say.saving.saving(count), shape: "◐", kind: "todo" };
    case "offline": {
      if (!status.durable) return { words: say.saving.offlineUnsafe(count), shape: "■", kind: "bad" };
      const seconds = status.retryAt === null ? 0 : Math.max(0, Math.ceil((status.retryAt - now) / 1000));
      return { words: say.saving.offline(count, seconds), shape: "▲", kind: "warn" };
    }
    case "password":
      return { words: status.durable ? say.saving.password(count) : say.saving.passwordUnsafe(count), shape: "▲", kind: "warn" };
    case "closed":
      return { words: say.saving.closed(count), shape: "■", kind: "bad" };
    case "gone":
      return { words: say.saving.gone, shape: "■", kind: "bad" };
    case "broken":
      return { words: say.saving.broken(count), shape: "■", kind: "bad" };
  }
}

export function sourceWords(source: string): string {
  return say.conflict.sources[source] ?? source;
}

/** `isMe`: the person who typed it is the one who looks. */
export function whoWords(name: string, isMe: boolean): string {
  return isMe ? say.conflict.me(name) : name;
}

export interface ConflictSide {
  choice: "mine" | "theirs";
  who: string;
  when: string;
  from: string;
}

/** Both sides of a conflict, earlier first. The API's `mine` is what came later, whoever looks. */
export function conflictSides(conflict: Conflict, me: string): ConflictSide[] {
  return [
    { choice: "theirs", who: whoWords(conflict.by, conflict.by === me), when: momentWords(conflict.at), from: sourceWords(conflict.source) },
    {
      choice: "mine",
      who: whoWords(conflict.offered_by, conflict.offered_by === me),
      when: momentWords(conflict.offered_at),
      from: sourceWords(conflict.offered_source),
    },
  ];
}

/** What a clue asks, and where its answer is found. */
export function clueWords(clue: Pick<Clue, "message" | "where">): string {
  return say.field.clue(clue.message) + (clue.where ? `　${say.field.where(clue.where)}` : "");
}

/** What the head line says is left. */
export function progressWords(state: HouseholdState): string {
  return say.head.left(state.sections.total - state.sections.answered);
}
