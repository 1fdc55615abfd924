"""Pages of the account keeper: list, bulk list from Excel, reset, leave and replace, roles."""

import io
from typing import Any

import xlsxwriter
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from fangfanpin.accounts import management
from fangfanpin.accounts.models import Role, User
from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.papers.slips import Slip, render_slips
from fangfanpin.regions.finding import Divisions
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import local_name

_COLUMNS = ("姓名", "联系电话", "单位", "岗位", "地区")
_OTHER_NAMES = {"地区代码": "地区"}  # heads of older templates
_MOST_ROWS = 500  # a password is hashed slowly on purpose: this many take about half a minute


@needs(Verb.ACCOUNT_MANAGE, "GET")
def accounts(request: SignedInRequest) -> HttpResponse:
    """Everyone in the keeper's regions, with their roles."""
    rows = [
        {
            "user": user,
            "assignments": [a for a in user.assignments.all() if a.valid_to is None],
            "kept": management.keeps(request.reach, user.assignments.all()),
        }
        for user in management.visible_users(request.reach)
    ]
    return render(request, "accounts/list.html", {"rows": rows})


@needs(Verb.ACCOUNT_MANAGE, "GET")
def template(request: SignedInRequest) -> HttpResponse:
    """The empty list as a workbook: posts and divisions to choose from, all of them on a sheet of their own."""
    return HttpResponse(
        template_workbook(request.reach),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": "attachment; filename*=UTF-8''%E8%B4%A6%E5%8F%B7%E5%90%8D%E5%8D%95.xlsx"},
    )


def template_workbook(reach: Reach) -> bytes:
    """What may be written is offered, not forced: a name only one division has, or its code, is taken as well."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False})
    sheet, allowed, about = book.add_worksheet("账号"), book.add_worksheet(management.ALLOWED_SHEET), book.add_worksheet("说明")
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    for column, title in enumerate(_COLUMNS):
        sheet.write_string(0, column, title, bold)
        sheet.set_column(column, column, 32 if title == "地区" else 18, text)
    sheet.freeze_panes(1, 0)
    roles = management.roles_to_give(reach)
    divisions = Divisions(management.divisions_to_give(reach))
    for column, (title, width) in enumerate((("岗位", 16), ("填哪一级的地区", 16), ("", 4), ("地区", 36), ("代码", 16), ("级别", 8))):
        allowed.write_string(0, column, title, bold)
        allowed.set_column(column, column, width, text)
    allowed.freeze_panes(1, 0)
    for row, role in enumerate(roles, start=1):
        allowed.write_row(row, 0, (role.title, management.level_word(role.level)))
    for row, region in enumerate(divisions.rows, start=1):
        words = (divisions.coded(region), region.code, management.level_word(region.level))
        for column, word in enumerate(words, start=3):
            allowed.write_string(row, column, word, text)
    for column, source, count in ((3, "A", len(roles)), (4, "D", len(divisions.rows))):
        if count:
            choices = f"='{management.ALLOWED_SHEET}'!${source}$2:${source}${count + 1}"
            sheet.data_validation(1, column, _MOST_ROWS, column, {"validate": "list", "source": choices, "show_error": False})
    lines = (
        "每人一行；一个人有几个岗位就写几行，姓名和电话写成一样。",
        "姓名和电话都相同就是同一个人。没有电话时，同名、同单位、地区相同或一个在另一个里面的，算同一个人；分不清的会请您填上电话。",
        f"岗位和地区可以从下拉框选，全部列在“{management.ALLOWED_SHEET}”表里；地区也可以只写名称（只有一个地区叫这个名称时）或只写代码。",
    )
    for row, line in enumerate(lines):
        about.write_string(row, 0, line)
    book.close()
    return stream.getvalue()


def _rows(content: bytes) -> list[management.NewAccount]:
    """Rows of the bulk list; AccountRefused where it is not one."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        cells = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, ValueError, OSError, IndexError):
        raise management.AccountRefused(_("文件打不开，请用下载的模板填写，存成 .xlsx。")) from None
    header = [_OTHER_NAMES.get(name, name) for name in (str(cell).strip() for cell in cells[0])] if cells else []
    missing = [title for title in _COLUMNS if title not in header]
    if missing:
        raise management.AccountRefused(_("第 1 行缺少列：%(columns)s") % {"columns": "、".join(missing)})
    place = {title: header.index(title) for title in _COLUMNS}
    roles = {role.title: role.key for role in Role.objects.all()}

    def text(row: list[Any], title: str) -> str:
        value = row[place[title]] if place[title] < len(row) else ""
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()

    found = [
        management.NewAccount(
            row=number,
            name=text(row, "姓名"),
            phone=text(row, "联系电话"),
            unit=text(row, "单位"),
            role=roles.get(text(row, "岗位"), text(row, "岗位")),
            region=text(row, "地区"),
        )
        for number, row in enumerate(cells[1:], start=2)
        if any(str(cell).strip() for cell in row)
    ]
    if not found:
        raise management.AccountRefused(_("表里没有人员，请从第 2 行开始填写。"))
    if len(found) > _MOST_ROWS:
        raise management.AccountRefused(_("一次最多 %(most)d 人，请分几份。") % {"most": _MOST_ROWS})
    return found


@needs(Verb.ACCOUNT_MANAGE, "GET", "POST")
def bulk(request: SignedInRequest) -> HttpResponse:
    """Upload the list; every fault at once, or all accounts and their slips as one PDF, shown once."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        upload = request.FILES.get("file")
        try:
            if upload is None or upload.size is None or upload.size > 5_000_000:
                raise management.AccountRefused(_("请选择名单文件（不超过 5 MB）。"))
            rows = _rows(upload.read())
            faults = management.check_accounts(rows, request.reach)
            if not faults:
                return _slips(request, management.create_accounts(rows=rows, by=request.reach))
            context = {"faults": faults}
        except management.AccountRefused as refused:
            messages.error(request, str(refused))
    return render(request, "accounts/bulk.html", context)


def _slips(request: SignedInRequest, made: list[management.MadeAccount]) -> HttpResponse:
    """First passwords exist only on this paper."""
    site = request.build_absolute_uri("/")
    slips = [
        Slip(
            name=one.user.name,
            unit=one.user.unit,
            posts=tuple(f"{local_name(region.code)} {role.title}" for region, role in one.posts),
            username=one.user.username,
            password=one.password,
            site=site,
        )
        for one in made
    ]
    response = HttpResponse(render_slips(slips), content_type="application/pdf")
    response.headers["Content-Disposition"] = "attachment; filename=slips.pdf"
    return response


def _user(request: SignedInRequest, user_id: int) -> User:
    user = management.kept_user(request.reach, user_id)
    if user is None:
        raise Http404
    return user


@needs(Verb.ACCOUNT_MANAGE, "GET")
def account(request: SignedInRequest, user_id: int) -> HttpResponse:
    user = _user(request, user_id)
    assignments = user.assignments.select_related("role", "region").order_by("-valid_from")
    return render(
        request,
        "accounts/account.html",
        {
            "account": user,
            "assignments": assignments,
            "roles": management.roles_to_give(request.reach),
            "places": _places(management.divisions_to_give(request.reach), [a.region for a in assignments if a.valid_to is None]),
            "others": [
                other
                for other in management.visible_users(request.reach)
                if other.is_active and other.pk not in (user.pk, request.user.pk) and management.keeps(request.reach, other.assignments.all())
            ],
            "is_self": user.pk == request.user.pk,
        },
    )


def _places(divisions: list[Region], held: list[Region]) -> list[dict[str, Any]]:
    """The list to choose a place from: the county, then each township with its villages; `wider` where it lies above every place the
    person works in now."""
    groups: dict[str, dict[str, Any]] = {}
    for region in divisions:
        town = region.code[:9] if len(region.code) > 6 else ""
        group = groups.setdefault(town, {"name": region.name if town else "", "regions": []})
        group["regions"].append({"region": region, "wider": bool(held) and all(len(region.code) < len(one.code) for one in held)})
    return list(groups.values())


@needs(Verb.ACCOUNT_MANAGE, "POST")
def reset(request: SignedInRequest, user_id: int) -> HttpResponse:
    """A new first password on a slip."""
    user = _user(request, user_id)
    try:
        password = management.reset_password(user=user, by=request.reach)
    except management.AccountRefused as refused:
        messages.error(request, str(refused))
        return redirect("accounts:account", user_id)
    held = user.assignments.in_force(timezone.localdate()).select_related("role")
    posts = tuple(f"{assignment.place} {assignment.role.title}" for assignment in held)
    slip = Slip(name=user.name, unit=user.unit, posts=posts, username=user.username, password=password, site=request.build_absolute_uri("/"))
    response = HttpResponse(render_slips([slip]), content_type="application/pdf")
    response.headers["Content-Disposition"] = "attachment; filename=slip.pdf"
    return response


@needs(Verb.ACCOUNT_MANAGE, "POST")
def leave(request: SignedInRequest, user_id: int) -> HttpResponse:
    user = _user(request, user_id)
    successor_id = request.POST.get("successor", "")
    successor = _user(request, int(successor_id)) if successor_id.isdigit() else None
    try:
        management.leave(user=user, by=request.reach, replaced_by=successor)
        messages.success(request, _("%(name)s已停用。") % {"name": user.name})
    except management.AccountRefused as refused:
        messages.error(request, str(refused))
    return redirect("accounts:accounts")


@needs(Verb.ACCOUNT_MANAGE, "POST")
def assign(request: SignedInRequest, user_id: int) -> HttpResponse:
    """Give a role, or end one (`end` = assignment id)."""
    user = _user(request, user_id)
    try:
        if request.POST.get("end", "").isdigit():
            found = user.assignments.filter(pk=int(request.POST["end"])).select_related("role").first()
            if found is None:
                raise Http404
            management.end_assignment(assignment=found, by=request.reach)
        else:
            role = Role.objects.filter(pk=request.POST.get("role", "")).first()
            region = Region.objects.filter(pk=request.POST.get("region", "").strip()).first()
            if role is None or region is None:
                raise management.AccountRefused(_("请选择岗位和地区。"))
            management.assign(user=user, role=role, region=region, by=request.reach)
        messages.success(request, _("岗位已更新。"))
    except management.AccountRefused as refused:
        messages.error(request, str(refused))
    return redirect("accounts:account", user_id)
