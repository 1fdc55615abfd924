from django.urls import path

from fangfanpin.fieldwork import api, new_household, views

app_name = "fieldwork"
urlpatterns = [
    path("field/pack.json", api.pack_json, name="pack"),
    path("field/places.json", api.places_json, name="places"),
    path("field/households/<uuid:household_id>.json", api.household_json, name="household"),
    path("field/save", api.save_household, name="save"),
    path("field/conflicts/<uuid:conflict_id>", api.decide_conflict, name="conflict"),
    path("sheets/", views.sheets, name="sheets"),
    path("sheets/<str:code>/print", views.print_village, name="print_village"),
    path("households/new", new_household.new_household, name="new_household"),
    path("households/<uuid:household_id>/sheet", views.print_household, name="print_household"),
    path("entry/<uuid:household_id>", api.entry, name="entry"),
]
