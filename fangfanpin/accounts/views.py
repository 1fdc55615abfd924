"""Sign in, sign out, change one's password, ask the password again in place."""

import json

from axes.helpers import get_cool_off
from django import forms
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from fangfanpin.accounts.middleware import wants_json
from fangfanpin.accounts.permissions import SignedInRequest, public, signed_in


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("账号或密码不对。请核对后再输入；忘记密码请找乡镇或县里的账号管理员重置。"),
        "inactive": _("这个账号已停用。如有疑问请找账号管理员。"),
    }


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # generic only in the stubs
    new_password1 = forms.CharField(label=_("新密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    new_password2 = forms.CharField(label=_("再输一遍"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_new_password1(self) -> str:
        """The first password stands on paper that others have held."""
        new: str = self.cleaned_data["new_password1"]
        if self.user.check_password(new):
            raise forms.ValidationError(_("新密码不能和现在的密码一样。"))
        return new


class ChangedPasswordForm(NewPasswordForm):
    """By one's own wish: whoever finds a screen left open does not know the old one."""

    old_password = forms.CharField(label=_("现在的密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    field_order = ["old_password", "new_password1", "new_password2"]

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if not self.user.check_password(old):
            raise forms.ValidationError(_("现在的密码不对，请再输一遍。"))
        return old


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or "/"
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}) else "/"


@sensitive_post_parameters("password")
def _sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return redirect(_next(request))
    return render(request, "accounts/sign_in.html", {"form": form, "next": _next(request)})


sign_in = public("GET", "POST")(_sign_in)


@public("POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("accounts:sign_in")


@signed_in("GET", "POST")
def change_password(request: SignedInRequest) -> HttpResponse:
    kind = NewPasswordForm if request.user.must_change_password else ChangedPasswordForm
    form = kind(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        user.must_change_password = False
        user.save(update_fields=["must_change_password"])
        update_session_auth_hash(request, user)
        return redirect("/")
    return render(request, "accounts/change_password.html", {"form": form, "forced": request.user.must_change_password})


@public("POST")
def reauth(request: HttpRequest) -> HttpResponse:
    """The password in place when a session has expired: what was typed stays on the page. Answers a fresh CSRF token."""
    try:
        sent = json.loads(request.body or b"{}")
    except ValueError:
        sent = {}
    user = authenticate(request, username=str(sent.get("username", "")), password=str(sent.get("password", "")))
    if user is None:
        return JsonResponse({"reason": "password", "message": _("密码不对，请再输一遍。")}, status=403)
    login(request, user)
    return JsonResponse({"csrf": get_token(request), "user": user.pk})


@signed_in("POST")
def set_large_print(request: SignedInRequest) -> HttpResponse:
    request.user.large_print = request.POST.get("large_print") == "1"
    request.user.save(update_fields=["large_print"])
    return redirect(_next(request))


def locked_out(request: HttpRequest, credentials: object = None, *args: object, **kwargs: object) -> HttpResponse:
    """Too many wrong passwords: says when to try again."""
    minutes = int(get_cool_off().total_seconds() // 60) if get_cool_off() else 15
    message = _("密码输错次数太多，账号已暂时锁定，请 %(minutes)d 分钟后再试，或请账号管理员重置密码。") % {"minutes": minutes}
    if wants_json(request):
        return JsonResponse({"reason": "locked", "message": message}, status=429)
    return render(request, "accounts/locked_out.html", {"message": message}, status=429)
