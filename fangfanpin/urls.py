"""Every URL of the product; each view declares its permission (see `fangfanpin routes`)."""

from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from fangfanpin.web.views import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health, name="health"),
    path("i18n/", include("fangfanpin.web.urls")),
    path("accounts/", include("fangfanpin.accounts.urls")),
    path("", include("fangfanpin.jobs.urls")),
    path("", include("fangfanpin.records.urls")),
    path("", include("fangfanpin.registers.urls")),
    path("", include("fangfanpin.questions.urls")),
    path("", include("fangfanpin.workshop.urls")),
    path("", include("fangfanpin.quality.urls")),
    path("", include("fangfanpin.fieldwork.urls")),
    path("", include("fangfanpin.pairings.urls")),
    path("", include("fangfanpin.acts.urls")),
    path("", include("fangfanpin.archives.urls")),
    path("", include("fangfanpin.dashboards.urls")),
]
