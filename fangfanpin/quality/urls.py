from django.urls import path

from fangfanpin.quality import views

app_name = "quality"
urlpatterns = [
    path("clues/", views.clue_list, name="clues"),
    path("clues/review/", views.review_list, name="review_list"),
    path("clues/sweep/", views.sweep_now, name="sweep"),
    path("clues/print/<str:code>", views.print_village, name="print_village"),
    path("clues/<uuid:clue_id>/", views.clue, name="clue"),
    path("clues/<uuid:clue_id>/answer", views.answer, name="answer"),
    path("clues/<uuid:clue_id>/review", views.review, name="review"),
]
