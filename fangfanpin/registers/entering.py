"""Pages around entering many rows: the grid, what is carried over, kept filters, paper."""

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.policy.services import spoken
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of, townships
from fangfanpin.registers import carrying, grid, kept, printing, services
from fangfanpin.registers.asked import asked_register, asked_year


@needs(Verb.RECORD_ENTER, "GET")
def grid_page(request: SignedInRequest, form: str) -> HttpResponse:
    year = asked_year()
    pack = spoken(year.pack)
    register = asked_register(form, pack)
    asked = carrying.period_item(register)
    return render(
        request,
        "registers/grid.html",
        {
            "register": register,
            "setting": {
                "columns": grid.columns(register, pack),
                "most": grid.MOST,
                "check": reverse("registers:grid_check", args=[register.key]),
                "save": reverse("registers:grid_save", args=[register.key]),
                "carry": reverse("registers:carry", args=[register.key]),
                "choices": reverse("registers:choices", args=["household"]),
                "signIn": f"{reverse('accounts:sign_in')}?next={request.path}",
                "draft": f"{register.key}:{year.year}",
                "words": _words(),
            },
            "most": grid.MOST,
            "may_carry": register.form.period in carrying.BY_PERIOD,
            "period_item": asked,
            "places": townships(request.reach.villages),
            "closed": services.closed(Record(form=register.key, year=year.year, village_code=""), register, request.user),
        },
    )


def _words() -> dict[str, str]:
    return {
        "row": _("第 {n} 行"),
        "nth": _("第 {n} 列"),
        "remove": _("删行"),
        "nothing": _("没有找到，请换个字；不在您管辖范围内的不能选"),
        "unchecked": _("还没核对"),
        "good": _("可以登记"),
        "doubtful": _("要核对"),
        "faulty": _("要改"),
        "sure": _("确实如此"),
        "count_good": _("{n} 条可以登记"),
        "count_faulty": _("{n} 条要改"),
        "count_doubtful": _("{n} 条要核对"),
        "count_new": _("{n} 条还没核对"),
        "with_unit": _("{title}（{unit}）"),
        "and_also": _("，"),
        "and_then": _("；"),
        "count_none": _("还没有内容：直接打字，或从 Excel 复制后在这里粘贴。"),
        "save_good": _("先登记这 {n} 条，其余留下来改"),
        "save_all": _("全部登记（{n} 条）"),
        "checking": _("正在核对 {n} 条……"),
        "saving": _("正在登记 {n} 条……"),
        "saved": _("已登记 {n} 条。"),
        "still_left": _("还有 {n} 条留在表里，改好再登记。"),
        "none_saved": _("一条也没有登记，请看标红的地方。"),
        "see_list": _("看列表"),
        "restored": _("上次没登记完的 {n} 条还在，已放回表里。"),
        "pasted": _("放进了 {n} 条。"),
        "by_header": _("已按表头对好列。"),
        "blank": _("跳过空行 {n} 行。"),
        "skipped": _("跳过标题、合计 {n} 行：{what}。"),
        "surplus": _("有 {n} 列这张表里没有，没放进去：{what}；内容在下面“没有放进去的内容”里。"),
        "over": _("一次最多 {most} 条，后面 {n} 条没放进去，在下面“没有放进去的内容”里。"),
        "most": _("一次最多 {n} 条，先登记这些再继续。"),
        "cleared": _("已清空，按“撤销”可以找回。"),
        "not_kept": _("这台电脑存不下草稿，登记以前请不要关闭页面。"),
        "offline": _("网络不通，内容都在，请稍后再试。"),
        "expired": _("登录已过期，内容已存在这台电脑上。请在新窗口登录，再回到这里继续。"),
        "sign_in": _("去登录"),
        "broken": _("没有登记，服务器没有读懂，请刷新页面再试；内容还在。"),
    }


def _sent(request: HttpRequest) -> Any:
    try:
        sent = json.loads(request.body)
    except ValueError:
        raise grid.NotAGrid(_("没有收到内容，请刷新页面再试。")) from None
    return sent if isinstance(sent, dict) else {}


@needs(Verb.RECORD_ENTER, "POST")
def grid_check(request: SignedInRequest, form: str) -> JsonResponse:
    """POST JSON `rows`: what is wrong with each; nothing is stored."""
    year = asked_year()
    register = asked_register(form, year.pack)
    try:
        rows = grid.read(register, _sent(request).get("rows"))
    except grid.NotAGrid as fault:
        return JsonResponse({"message": str(fault)}, status=422)
    checked = grid.check(register, year.pack, year.year, rows, by=request.user, reach=request.reach)
    return JsonResponse({"rows": grid.answer(checked, register, year.pack, request.reach)})


@needs(Verb.RECORD_ENTER, "POST")
def grid_save(request: SignedInRequest, form: str) -> JsonResponse:
    """POST JSON `rows`, `only_good`: keep all or none, or with `only_good` those that are good."""
    year = asked_year()
    register = asked_register(form, year.pack)
    try:
        sent = _sent(request)
        rows = grid.read(register, sent.get("rows"))
    except grid.NotAGrid as fault:
        return JsonResponse({"message": str(fault)}, status=422)
    done = grid.save(register, year.pack, year.year, rows, only_good=sent.get("only_good") is True, by=request.user, reach=request.reach)
    answer = grid.answer(done, register, year.pack, request.reach)
    return JsonResponse({"rows": answer, "kept": sum(one.is_kept for one in done)})


@needs(Verb.RECORD_ENTER, "GET")
def carry(request: SignedInRequest, form: str) -> JsonResponse:
    """GET `place`, `period`: rows of the last period as cells of the grid."""
    year = asked_year()
    register = asked_register(form, year.pack)
    place = request.GET.get("place", "")
    try:
        rows = carrying.from_last_period(
            register, year.pack, year.year, request.reach, place=place if place.isdigit() else "", period=request.GET.get("period", "")
        )
    except carrying.NothingToCarry as fault:
        return JsonResponse({"message": str(fault)}, status=422)
    if not rows:
        return JsonResponse({"rows": [], "message": _("没有可以带入的：上期没有登记，或本期都已登记。")})
    said = _("带入上期 %(count)d 条，当期的项目留空，请补上。") % {"count": len(rows)}
    if len(rows) == grid.MOST:
        said += _("一次最多 %(most)d 条，其余请登记完再带。") % {"most": grid.MOST}
    return JsonResponse({"rows": rows, "message": said})


@needs(Verb.HOUSEHOLD_VIEW, "POST")
def keep_filter(request: SignedInRequest, form: str) -> HttpResponse:
    """POST `name`, `query`."""
    pack = spoken(asked_year().pack)
    register = asked_register(form, pack)
    query = request.POST.get("query", "")
    try:
        kept.keep(register=register, pack=pack, owner=request.user, name=request.POST.get("name", ""), query=query)
    except kept.NotKept as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, _("条件已存下，以后在列表上面点一下就行。"))
    return redirect(f"{reverse('registers:list', args=[register.key])}?{urlsplit(f'?{query}').query}")


@needs(Verb.HOUSEHOLD_VIEW, "POST")
def forget_filter(request: SignedInRequest, filter_id: int) -> HttpResponse:
    found = kept.forget(owner=request.user, filter_id=filter_id)
    if found is None:
        raise Http404
    messages.success(request, _("已删去条件“%(name)s”。") % {"name": found.name})
    return redirect("registers:list", found.form)


@needs(Verb.SHEET_PRINT, "GET")
def blank(request: SignedInRequest, form: str) -> HttpResponse:
    """The register's empty table, to be filled with a pen."""
    year = asked_year()
    register = asked_register(form, year.pack)
    return _pdf(printing.blank(register, year.pack, year.title), register.title)


@needs(Verb.SHEET_PRINT, "GET")
def row_paper(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    year = asked_year()
    record = within_reach(Record.objects.select_related("household", "person", "entered_by", "reviewed_by"), request.reach, pk=row_id)
    register = asked_register(record.form, year.pack)
    return _pdf(printing.row(record, register, year.pack, year.title, request.reach), f"{register.title} {name_of(record.village_code)}")


@needs(Verb.EXPORT_MAKE, "POST")
def print_list(request: SignedInRequest, form: str) -> HttpResponse:
    """POST `query`: the list's address; `column`: names of items."""
    register = asked_register(form, asked_year().pack)
    known = {item.name for item in register.shown}
    columns = [name for name in request.POST.getlist("column") if name in known]
    return redirect("jobs:job", printing.start_list(register=register, query=request.POST.get("query", ""), columns=columns, by=request.user).pk)


def _pdf(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=f"{name}.pdf") or ""
    return answer
