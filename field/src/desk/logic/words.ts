/** Plain words for times, states and saving. */

import type { Conflict, HouseholdState, PackBundle, RecordState, SectionState } from "../../engine";
import type { Status } from "../../journal";

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
  if (kind === "period") return `${period_start} 至 ${period_end}`;
  if (kind === "as_of") return `截至 ${state_date}`;
  return `收入、务工、补助等按 ${period_start} 至 ${period_end}，其余截至 ${state_date}`;
}

export interface StateWords {
  words: string;
  shape: string;
  kind: "ok" | "warn" | "bad" | "todo";
}

const STATES: Readonly<Record<RecordState, StateWords>> = {
  empty: { words: "未采集", shape: "○", kind: "todo" },
  draft: { words: "采集中", shape: "◐", kind: "todo" },
  submitted: { words: "已提交，待审核", shape: "●", kind: "ok" },
  returned: { words: "已退回，要改", shape: "▲", kind: "warn" },
  approved: { words: "已审核", shape: "●", kind: "ok" },
  locked: { words: "已锁定", shape: "■", kind: "todo" },
};

export function stateWords(state: RecordState): StateWords {
  return STATES[state];
}

/** Quiet and true: what is on the server, what is only here, what to do. */
/** `drafts`: fields whose text is not finished; they are kept on this device and wait for a person, not for the line. */
export function savingWords(status: Status, now: number = Date.now(), drafts = 0): StateWords {
  const count = status.unsent;
  if (drafts > 0 && count <= drafts && (status.phase === "idle" || status.phase === "waiting"))
    return { words: status.durable ? `${drafts} 项正在输入，已存在本机` : `${drafts} 项正在输入`, shape: "✎", kind: "todo" };
  switch (status.phase) {
    case "idle":
      // Typed this moment and not in the journal yet.
      if (count > 0) return { words: `正在保存 ${count} 项…`, shape: "◐", kind: "todo" };
      return { words: status.savedAt ? `已保存 ${timeWords(status.savedAt)}` : "没有未保存的内容", shape: "●", kind: "ok" };
    case "waiting":
    case "sending":
      return { words: `正在保存 ${count} 项…`, shape: "◐", kind: "todo" };
    case "offline": {
      if (!status.durable) return { words: `网络不通，${count} 项还没有保存，请不要关闭这一页`, shape: "■", kind: "bad" };
      const seconds = status.retryAt === null ? 0 : Math.max(0, Math.ceil((status.retryAt - now) / 1000));
      return { words: `${count} 项已存在本机，联网后上传${seconds > 5 ? `（${seconds} 秒后再试）` : ""}`, shape: "▲", kind: "warn" };
    }
    case "password":
      return { words: status.durable ? `${count} 项已存在本机，输入密码后上传` : `${count} 项等待上传，请输入密码`, shape: "▲", kind: "warn" };
    case "closed":
      return { words: count > 0 ? `录入已关闭，${count} 项没有上传` : "录入已关闭", shape: "■", kind: "bad" };
    case "gone":
      return { words: "这户不在您的范围内，不能保存", shape: "■", kind: "bad" };
    case "broken":
      return { words: `${count} 项系统没有收下，请导出后联系县里`, shape: "■", kind: "bad" };
  }
}

export function sourceWords(source: string): string {
  const known: Readonly<Record<string, string>> = { web: "电脑录入", phone: "手机采集", import: "名册导入", demo: "演示数据", worker: "后台任务" };
  return known[source] ?? source;
}

/** `isMe`: the person who typed it is the one who looks. */
export function whoWords(name: string, isMe: boolean): string {
  return isMe ? `${name}（我）` : name;
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

/** What the head line says is left. */
export function progressWords(state: HouseholdState): string {
  const left = state.sections.total - state.sections.answered;
  return left > 0 ? `还有 ${left} 节没有填` : "各节都已填";
}
