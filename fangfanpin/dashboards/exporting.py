"""One address for every list as Excel: the page posts its own filters, the job's page shows how far it is."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import find, start_export


@needs(Verb.EXPORT_MAKE, "POST")
def make_export(request: SignedInRequest, key: str) -> HttpResponse:
    listing = find(key)
    if listing is None:
        raise Http404
    if not request.reach.has(listing.verb):
        raise PermissionDenied
    job = start_export(listing=listing, given={name: request.POST.get(name, "") for name in listing.parameters}, by=request.user)
    return redirect("jobs:job", job.pk)
