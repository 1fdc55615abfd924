"""Start background work and run it: the job carries its owner's reach, so it sees no more than the person who asked."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from procrastinate.contrib.django import app

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach, system_reach
from fangfanpin.files.models import StoredFile
from fangfanpin.jobs.models import Job

logger = logging.getLogger(__name__)
_LOST = "lost_once"  # in a job's parameters: its worker was killed


class JobRefused(Exception):
    """The work cannot be done; the message (Chinese, for the owner) says why and what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a handler gives back: a sentence, facts for the page, and perhaps a file."""

    message: str
    result: dict[str, Any]
    file: StoredFile | None = None


class Progress:
    """Writes how far a job is, on a connection of its own: the work's transaction stays whole, the bar moves."""

    def __init__(self, job: Job) -> None:
        self._job = job
        settings = connection.get_connection_params()
        settings.pop("cursor_factory", None)
        settings.pop("context", None)
        self._connection = psycopg.connect(**settings, autocommit=True)
        self._last = -1

    def report(self, done: int, total: int, message: str = "") -> None:
        share = done * 200 // total if total else 0
        if share == self._last and not message:
            return
        self._last = share
        self._connection.execute(
            "UPDATE jobs_job SET done_count = %s, total_count = %s, message = CASE WHEN %s = '' THEN message ELSE %s END WHERE id = %s",
            (done, total, message, message, self._job.pk),
        )

    def close(self) -> None:
        self._connection.close()


Handler = Callable[[Job, Reach, Progress], Outcome]
_handlers: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind; the apps' `handlers.py` are imported at start."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


def start(*, kind: str, title: str, by: User | None, parameters: dict[str, Any], file: StoredFile | None = None) -> Job:
    """Queue work for the worker; it begins once this transaction has committed. `by`: None for the system, which has every village in reach."""
    if kind not in _handlers:
        raise KeyError(kind)
    job = Job.objects.create(kind=kind, title=title, owner=by, parameters=parameters, file=None)
    # By name: tasks.py imports this module.
    app.configure_task("fangfanpin.run_job", queue="jobs").defer(job_id=str(job.pk))
    return job


def run(job_id: str) -> None:
    """Do one job in one transaction under its owner's reach; a failure leaves nothing behind but its message."""
    job = Job.objects.select_related("owner").get(pk=job_id)
    if job.state != Job.State.WAITING:
        return  # a second delivery of the same job
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, started_at=timezone.now())
    progress = Progress(job)
    try:
        with transaction.atomic():
            reach = reach_of(job.owner) if job.owner else system_reach()
            set_database_reach(reach, act=f"job {job.kind}", source="job")
            outcome = _handlers[job.kind](job, reach, progress)
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.DONE,
            message=outcome.message,
            result=outcome.result,
            file=outcome.file,
            ended_at=timezone.now(),
        )
    except JobRefused as refusal:
        Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED, message=str(refusal), ended_at=timezone.now())
    except Exception:
        logger.exception("job %s of kind %s failed", job.pk, job.kind)
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.FAILED,
            message=gettext_noop("系统出错，这项工作没有做，数据没有改动。请再试一次；仍不行请把任务编号告诉管理员。"),
            ended_at=timezone.now(),
        )
    finally:
        progress.close()


def take_up_lost() -> int:
    """Called as the worker starts: what a killed worker was doing begins again, once; its transaction had left nothing. Returns how many.

    A job that was lost twice has perhaps brought the worker down itself: it ends with a word to its owner.
    """
    taken = 0
    for job in Job.objects.filter(state=Job.State.RUNNING):
        if job.parameters.get(_LOST):
            job.state, job.ended_at = Job.State.FAILED, timezone.now()
            job.message = gettext_noop("这项工作两次中断，没有做完，数据没有改动。请把任务编号告诉管理员。")
            job.save(update_fields=["state", "ended_at", "message"])
            continue
        job.state, job.parameters = Job.State.WAITING, {**job.parameters, _LOST: True}
        job.save(update_fields=["state", "parameters"])
        app.configure_task("fangfanpin.run_job", queue="jobs").defer(job_id=str(job.pk))
        taken += 1
    return taken
