from django.urls import path

from fangfanpin.dashboards import exporting, views

app_name = "dashboards"
urlpatterns = [
    path("", views.home, name="home"),
    path("me/", views.me, name="me"),
    path("places/", views.places, name="places"),
    path("households/", views.household_list, name="households"),
    path("households/conflicts", views.conflict_list, name="conflicts"),
    path("households/review", views.review_list, name="review_list"),
    path("households/<uuid:household_id>/review", views.review, name="review"),
    path("households/<uuid:household_id>/unlock", views.unlock_household, name="unlock"),
    path("registers/tables/<uuid:table_id>/unlock", views.unlock_table, name="unlock_table"),
    path("progress/", views.progress, name="progress"),
    path("progress/<str:code>/", views.progress, name="progress"),
    path("progress/map.json", views.map_json, name="map"),
    path("progress/<str:code>/map.json", views.map_json, name="map"),
    path("progress/report", views.report, name="report"),
    path("transfer/", views.transfer_list, name="transfer"),
    path("exports/<slug:key>", exporting.make_export, name="export"),
]
