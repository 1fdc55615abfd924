"""Every view declares its permission; outside one's reach is 404, lacking the verb is 403."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, ReachQuerySet
from fangfanpin.accounts.verbs import Verb

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
SignedInView = Callable[Concatenate["SignedInRequest", P], HttpResponseBase]
PUBLIC = "public"
SIGNED_IN = "signed_in"


class SignedInRequest(HttpRequest):
    """A request behind `needs`: somebody is signed in and the reach is set."""

    user: User
    reach: Reach


def declare(view: View[P], permission: str, methods: tuple[str, ...]) -> View[P]:
    guarded = require_http_methods(list(methods))(view)
    guarded.required_permission = permission  # type: ignore[attr-defined]  # read by `fangfanpin routes` and its test
    guarded.allowed_methods = methods  # type: ignore[attr-defined]  # as above
    return guarded


def public(*methods: str) -> Callable[[View[P]], View[P]]:
    """A page for everybody: sign-in, health."""
    return lambda view: declare(view, PUBLIC, methods or ("GET",))


def signed_in(*methods: str) -> Callable[[SignedInView[P]], View[P]]:
    """A page for everyone who is signed in; it shows nothing that needs a verb."""

    def wrap(view: SignedInView[P]) -> View[P]:
        @functools.wraps(view)
        def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                raise NotSignedIn
            return view(cast(SignedInRequest, request), *args, **kwargs)

        return declare(inner, SIGNED_IN, methods or ("GET",))

    return wrap


def needs(verb: Verb, *methods: str) -> Callable[[SignedInView[P]], View[P]]:
    """A page for those who hold the verb somewhere; objects are then fetched with `within_reach`, which is 404 outside."""

    def wrap(view: SignedInView[P]) -> View[P]:
        @functools.wraps(view)
        def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                raise NotSignedIn
            if not request.reach.has(verb):  # type: ignore[attr-defined]  # set by ReachMiddleware
                raise PermissionDenied
            return view(cast(SignedInRequest, request), *args, **kwargs)

        return declare(inner, verb.value, methods or ("GET",))

    return wrap


class NotSignedIn(Exception):
    """Turned into the sign-in page, or 401 for JSON, by ReachMiddleware."""


def within_reach(rows: ReachQuerySet[M], reach: Reach, **lookup: object) -> M:
    """The one row, or 404 whether it does not exist or lies outside the reach."""
    row = rows.visible_to(reach).filter(**lookup).first()
    if row is None:
        raise Http404
    return row


def can(reach: Reach, verb: Verb, target: Model) -> bool:
    """May this person do this to this row? `target` has village_code, and household_id unless it is a household itself."""
    household_id = getattr(target, "household_id", None) or getattr(target, "id", None)
    return reach.allows(verb, village_code=getattr(target, "village_code", ""), household_id=household_id)


def require(reach: Reach, verb: Verb, target: Model) -> None:
    """403 unless `can`; call it after the row was fetched within reach."""
    if not can(reach, verb, target):
        raise PermissionDenied
