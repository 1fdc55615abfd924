"""One transaction per request, carrying who acts and what may be seen."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import NotSignedIn
from fangfanpin.accounts.reach import make_reach, reach_of, set_database_reach

_FREE_OF_PASSWORD_CHANGE = ("accounts:change_password", "accounts:sign_out", "accounts:sign_in")


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/field/") or request.headers.get("Accept", "").startswith("application/json")


class ReachMiddleware:
    """Opens the request's transaction and sets the reach in it; an error rolls back whatever the view had done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        with transaction.atomic():
            if request.user.is_authenticated:
                reach = reach_of(request.user)
                if request.user.must_change_password and not self._is_free(request):
                    return redirect("accounts:change_password")
            else:
                reach = make_reach(0, villages=())
            request.reach = reach  # type: ignore[attr-defined]
            set_database_reach(reach, act=f"{request.method} {request.path}"[:200], source="web")
            request.undo_to = transaction.savepoint()  # type: ignore[attr-defined]
            return self.get_response(request)

    def _is_free(self, request: HttpRequest) -> bool:
        return request.path in {reverse(name) for name in _FREE_OF_PASSWORD_CHANGE}

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # Undo what the view had done, but keep the transaction and its reach: the error page is rendered in it.
        transaction.savepoint_rollback(request.undo_to)  # type: ignore[attr-defined]
        transaction.set_rollback(False)
        if isinstance(exception, NotSignedIn):
            if wants_json(request):
                return JsonResponse({"reason": "session", "message": _("登录已过期，请重新输入密码。")}, status=401)
            if request.headers.get("HX-Request"):
                return HttpResponse(status=401, headers={"HX-Redirect": reverse("accounts:sign_in")})
            return redirect_to_login(request.get_full_path())
        return None
