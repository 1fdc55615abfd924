"""A job's page with its progress bar, the list of one's own jobs, and files to take away."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from fangfanpin.accounts.permissions import SignedInRequest, signed_in
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import path_of
from fangfanpin.jobs.models import Job

# They show addresses, phones and illnesses: reading them asks for that right too.
_WITH_SENSITIVE_VALUES = frozenset({StoredFile.Purpose.SHEETS, StoredFile.Purpose.HOUSEHOLD_FILE, StoredFile.Purpose.CLUE_LIST})


def _own(request: SignedInRequest, job_id: UUID) -> Job:
    job = Job.objects.select_related("file").filter(pk=job_id, owner=request.user).first()
    if job is None:
        raise Http404
    return job


@signed_in("GET")
def job_list(request: SignedInRequest) -> HttpResponse:
    return render(request, "jobs/list.html", {"jobs": Job.objects.filter(owner=request.user).select_related("file")[:50]})


@signed_in("GET")
def job(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    return render(request, "jobs/job.html", {"job": _own(request, job_id)})


@signed_in("GET")
def job_state(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    """For the progress bar: {state, percent, done, total, message, file}."""
    found = _own(request, job_id)
    return JsonResponse(
        {
            "state": found.state,
            "percent": found.percent,
            "done": found.done_count,
            "total": found.total_count,
            "message": found.spoken_message,
            "file": f"/files/{found.file_id}" if found.file_id else None,
        }
    )


@signed_in("GET")
def download(request: SignedInRequest, file_id: UUID) -> HttpResponseBase:
    """A file: its owner's, or one of a village or household within reach for those who may see households."""
    file = StoredFile.objects.exclude(purpose=StoredFile.Purpose.PICTURE).filter(pk=file_id).first()  # a picture is its record's
    if file is None:
        raise Http404
    asked = [Verb.HOUSEHOLD_VIEW, *([Verb.SENSITIVE_VIEW] if file.purpose in _WITH_SENSITIVE_VALUES else [])]
    shared = (file.village_code or file.household_id) and all(
        request.reach.allows(verb, village_code=file.village_code, household_id=file.household_id) for verb in asked
    )
    if file.owner_id != request.user.pk and not shared:
        raise Http404
    path = path_of(file)
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), content_type=file.content_type)
    inline = file.content_type == "application/pdf"
    header = content_disposition_header(not inline, file.name)
    if header:
        response.headers["Content-Disposition"] = header
    return response
