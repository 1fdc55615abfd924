from django.urls import path

from fangfanpin.acts import views

app_name = "acts"
urlpatterns = [
    path("acts/", views.listing, name="list"),
    path("acts/hand-over", views.hand_over, name="hand_over"),
    path("acts/divisions", views.divisions, name="divisions"),
    path("acts/divisions/move", views.move_natural, name="move_natural"),
    path("acts/divisions/merge", views.merge_divisions, name="merge_divisions"),
    path("acts/divisions/split", views.split_division, name="split_division"),
    path("acts/divisions/rename", views.rename_division, name="rename_division"),
    path("acts/households/<uuid:household_id>/", views.household, name="household"),
    path("acts/households/<uuid:household_id>/split", views.split, name="split"),
    path("acts/households/<uuid:household_id>/merge", views.merge, name="merge"),
    path("acts/persons/<uuid:person_id>/move", views.move_member, name="move_member"),
    path("acts/persons/<uuid:person_id>/merge", views.merge_person, name="merge_person"),
    path("acts/planned/<uuid:planned_id>/", views.planned, name="planned"),
    path("acts/planned/<uuid:planned_id>/withdraw", views.withdraw, name="withdraw"),
    path("acts/planned/<uuid:planned_id>/read", views.read, name="read"),
    path("acts/<uuid:act_id>/", views.act, name="act"),
    path("acts/<uuid:act_id>/undo", views.undo, name="undo"),
]
