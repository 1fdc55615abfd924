"""Pages of no particular app: health, language."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from fangfanpin.accounts.middleware import wants_json
from fangfanpin.accounts.permissions import public


@public("GET")
def health(request: HttpRequest) -> HttpResponse:
    """200 when the database answers; the supervisor waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@public("POST")
def set_language(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = redirect(target)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 86400, samesite="Lax", httponly=True)
    return response


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page's token and the browser's do not agree (cookies cleared, a page left open over night): nothing was done. The answer brings a new
    token, so that the entry screen's second try is taken and a page loaded anew can be sent. Called by Django, not by an address."""
    token = get_token(request)
    if wants_json(request):
        return JsonResponse(
            {"reason": "csrf", "csrf": token, "message": _("登录信息已更新，这次没有保存，请刷新页面再试；填好的内容都在本机。")}, status=403
        )
    came_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        came_from = ""
    return render(request, "403_csrf.html", {"came_from": came_from}, status=403)
