"""What the page of an import shows whatever its rows become: who may open it, how its job goes, its faults page by page."""

from collections.abc import Sequence
from typing import Any

from fangfanpin.accounts.permissions import SignedInRequest
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.models import Job
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.workbooks.parts import column_letter

FAULTS_A_PAGE = 100


def may_open(batch: ImportBatch, reach: Reach, verb: Verb) -> bool:
    """One's own, or one in whose every village one has the verb: a colleague's work does not stop with the colleague. The system (0) opens all."""
    if reach.user_id in (0, batch.uploaded_by_id):
        return True
    villages = batch.summary.get("villages") or []
    return bool(villages) and all(reach.allows(verb, village_code=village) for village in villages)


def with_letters(faults: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Faults with the letter of their column."""
    return [fault | {"letter": column_letter(fault["column"]) if fault["column"] >= 0 else ""} for fault in faults]


def facts_of(request: SignedInRequest, batch: ImportBatch, jobs: str) -> dict[str, Any]:
    """For templates/records/_import_*.html, and what may be done now as far as the file's state tells. `jobs`: how kinds of its jobs begin."""
    job = Job.objects.filter(kind__startswith=jobs, parameters__batch=str(batch.pk)).first()
    is_running = job is not None and job.state in (Job.State.WAITING, Job.State.RUNNING)
    page = max(int(request.GET["page"]) if request.GET.get("page", "").isdigit() else 1, 1)
    faults = batch.faults
    return {
        "batch": batch,
        "summary": batch.summary,
        "job": job,
        "is_running": is_running,
        "follows": is_running and job is not None and job.owner_id == request.user.pk,
        "failed": job.message if job is not None and job.state == Job.State.FAILED else "",
        "faults": with_letters(faults[(page - 1) * FAULTS_A_PAGE : page * FAULTS_A_PAGE]),
        "previous": page - 1,
        "following": page + 1 if len(faults) > page * FAULTS_A_PAGE else 0,
        "hidden_faults": max(batch.summary.get("faults", 0) - len(faults), 0),
        "own": batch.uploaded_by_id == request.user.pk,
        "can_apply": batch.state == ImportBatch.State.CHECKED and not is_running,
        "can_keep_good": batch.state == ImportBatch.State.FAULTY and not is_running and not batch.summary.get("stopped"),
        "can_take_back": batch.state == ImportBatch.State.APPLIED and not is_running,
    }
