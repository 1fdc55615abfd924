"""`{% export_button "households" place=place %}`: the list as Excel with the page's filters, for those who may make files of it."""

from typing import Any

from django import template
from django.template import Context

from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import find

register = template.Library()


@register.inclusion_tag("jobs/_export_button.html", takes_context=True)
def export_button(context: Context, key: str, **filters: Any) -> dict[str, Any]:
    listing, reach = find(key), context.get("reach")
    shown = listing is not None and reach is not None and reach.has(listing.verb) and reach.has(Verb.EXPORT_MAKE)
    return {
        "shown": shown,
        "key": key,
        "filters": {name: str(value) for name, value in filters.items() if value},
        "csrf_token": context.get("csrf_token"),
    }
