from django.urls import path

from fangfanpin.archives import on_site, views

app_name = "archives"
urlpatterns = [
    path("households/<uuid:household_id>/", views.household, name="household"),
    path("households/<uuid:household_id>/as-of", views.as_of, name="as_of"),
    path("households/<uuid:household_id>/file", views.make_file, name="file"),
    path("households/<uuid:household_id>/on-site", on_site.page, name="on_site"),
    path("households/<uuid:household_id>/on-site/keep", on_site.keep, name="on_site_keep"),
    path("households/<uuid:household_id>/history/<str:target>/<slug:name>", views.item_history, name="history"),
    path("households/<uuid:household_id>/reveal/<str:target>/<slug:name>", views.show_in_full, name="reveal"),
]
