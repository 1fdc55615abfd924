import { get } from "./requests";

interface JobState {
  state: "waiting" | "running" | "done" | "failed";
  percent: number;
  done: number;
  total: number;
  message: string;
  file: string | null;
}

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 8000;

/** Follows a job on its page: bar, words, an estimate of what is left; when it has ended the page is asked for again, with its result. */
export function watchJobs(): void {
  document.querySelectorAll<HTMLElement>("[data-job][data-job-running='1']").forEach((box) => {
    const bar = box.querySelector("progress");
    const message = box.querySelector(".job-message");
    const left = box.querySelector<HTMLElement>("[data-job-left]");
    let first: { at: number; done: number } | null = null;
    let pause = PAUSE_MS;

    const look = async (): Promise<void> => {
      try {
        const answer = await get(box.dataset["job"]!);
        if (answer.status === 401 || answer.status === 404) {
          window.location.reload();
          return;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        const job = (await answer.json()) as JobState;
        if (job.state === "done" || job.state === "failed") {
          window.location.reload();
          return;
        }
        if (bar) {
          if (job.total > 0) bar.value = job.percent;
          else bar.removeAttribute("value");
        }
        if (message) message.textContent = job.message;
        if (job.total > 0 && first === null) first = { at: Date.now(), done: job.done };
        if (left) left.textContent = first ? estimate(left, first, job) : "";
        pause = PAUSE_MS;
      } catch {
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS); // the line is down; the job goes on without us
      }
      window.setTimeout(() => void look(), pause);
    };
    void look();
  });
}

/** `data-seconds="大约还要 {n} 秒"`, `data-minutes="…"`, from the pace since the page was opened. */
function estimate(box: HTMLElement, first: { at: number; done: number }, job: JobState): string {
  const gone = (Date.now() - first.at) / 1000;
  if (gone < 2 || job.done <= first.done) return "";
  const seconds = Math.ceil(((job.total - job.done) * gone) / (job.done - first.done));
  return seconds < 90
    ? (box.dataset["seconds"] ?? "").replace("{n}", String(seconds))
    : (box.dataset["minutes"] ?? "").replace("{n}", String(Math.ceil(seconds / 60)));
}
