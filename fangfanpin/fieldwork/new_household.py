"""新增农户: a household that no roster holds, added by hand; then its entry screen opens."""

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.records.households_by_hand import HouseholdRefused, NewHousehold, add_household
from fangfanpin.regions.models import Region


class NewHouseholdForm(forms.Form):
    """Texts as typed; what they mean is checked by the service, by the dictionary's own rules."""

    natural_village_code = forms.ChoiceField(label=_("自然村（村民组）"), required=False)
    household_type = forms.ChoiceField(label=_("户类型"), required=False)
    address = forms.CharField(label=_("家庭住址"), required=False, max_length=255)
    head_name = forms.CharField(label=_("户主姓名"), required=False, max_length=60)
    head_id_number = forms.CharField(
        label=_("户主身份证号"), required=False, max_length=40, help_text=_("可以先不填；填了以后性别和出生日期自动带出。")
    )
    is_another = forms.BooleanField(label=_("已核对，不是同一户"), required=False)

    def __init__(self, *args: object, village: Region, pack: Pack, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        naturals = Region.objects.filter(parent_id=village.code, level=Region.Level.NATURAL_VILLAGE, valid_to__isnull=True).order_by(
            "position", "code"
        )
        self._choices("natural_village_code", [("", "——"), *((place.code, place.name) for place in naturals)])
        self._choices("household_type", [("", "——"), *((item.code, item.word) for item in spoken(pack).lists["household_type"])])
        for name, bound in self.fields.items():
            if name != "is_another":
                bound.widget.attrs["class"] = "form-select" if isinstance(bound, forms.ChoiceField) else "form-control"
            bound.widget.attrs["autocomplete"] = "off"

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        chosen = self.fields[name]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = choices


def _villages(reach: Reach) -> list[Region]:
    """Where this person may add households, by code."""
    prefixes = reach.prefixes(Verb.HOUSEHOLD_EDIT)
    return [village for village in Region.objects.villages().filter(pk__in=reach.villages).order_by("code") if village.code.startswith(prefixes)]


@needs(Verb.HOUSEHOLD_EDIT, "GET", "POST")
def new_household(request: SignedInRequest) -> HttpResponse:
    """First the village, where there are several; then the rest."""
    villages = _villages(request.reach)
    asked = request.POST.get("village") or request.GET.get("village") or ""
    village = next((one for one in villages if one.code == asked), villages[0] if len(villages) == 1 and not asked else None)
    if village is None:
        if asked:
            raise Http404
        return render(request, "fieldwork/new_household.html", {"villages": villages, "form": None, "village": None})
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    form = NewHouseholdForm(request.POST or None, village=village, pack=pack)
    same_names: tuple[object, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            household = add_household(
                typed=NewHousehold(village_code=village.code, **form.cleaned_data), year=campaign.year, pack=pack, by=request.user
            )
        except HouseholdRefused as refused:
            same_names = refused.same_names
            for name, message in refused.faults.items():
                form.add_error(name if name in form.fields else None, message)
        else:
            return redirect("fieldwork:entry", household.pk)
    return render(
        request,
        "fieldwork/new_household.html",
        {"villages": villages, "village": village, "form": form, "same_names": same_names},
        status=422 if form.errors else 200,
    )
