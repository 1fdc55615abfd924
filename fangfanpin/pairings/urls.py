from django.urls import path

from fangfanpin.pairings import views

app_name = "pairings"
urlpatterns = [
    path("pairings/", views.listing, name="list"),
    path("pairings/new", views.new, name="new"),
    path("pairings/<uuid:pairing_id>/", views.edit, name="edit"),
    path("pairings/<uuid:pairing_id>/end", views.end, name="end"),
    path("pairings/<uuid:pairing_id>/show/<slug:name>", views.show_in_full, name="show_in_full"),
]
