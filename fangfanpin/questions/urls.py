from django.urls import path

from fangfanpin.questions import views

app_name = "questions"
urlpatterns = [
    path("questions/", views.listing, name="list"),
    path("questions/notes", views.notes, name="notes"),
    path("questions/notes/<int:note_id>/withdraw", views.withdraw, name="withdraw"),
    path("questions/household/<uuid:household_id>/new", views.ask_household, name="ask_household"),
    path("questions/row/<uuid:row_id>/new", views.ask_row, name="ask_row"),
    path("questions/clue/<uuid:clue_id>/new", views.ask_clue, name="ask_clue"),
    path("questions/<uuid:question_id>/", views.question, name="question"),
    path("questions/<uuid:question_id>/reply", views.reply, name="reply"),
    path("questions/<uuid:question_id>/note", views.note, name="note"),
]
