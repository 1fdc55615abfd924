from django.urls import path

from fangfanpin.quality import lead_views, standing_views, views
from fangfanpin.quality import sample_views as samples

app_name = "quality"
urlpatterns = [
    path("clues/", views.clue_list, name="clues"),
    path("clues/review/", views.review_list, name="review_list"),
    path("clues/sweep/", views.sweep_now, name="sweep"),
    path("clues/print/<str:code>", views.print_village, name="print_village"),
    path("clues/bulk", views.answer_many, name="answer_many"),
    path("clues/hand-over", views.hand_over, name="hand_over"),
    path("clues/samples/", samples.samples, name="samples"),
    path("clues/samples/draw", samples.draw_samples, name="draw"),
    path("clues/samples/<uuid:sample_id>/check", samples.check_sample, name="check_sample"),
    path("leads/", lead_views.leads, name="leads"),
    path("leads/<uuid:lead_id>/look", lead_views.look, name="look"),
    path("quality/", standing_views.standing, name="standing"),
    path("clues/<uuid:clue_id>/", views.clue, name="clue"),
    path("clues/<uuid:clue_id>/answer", views.answer, name="answer"),
    path("clues/<uuid:clue_id>/review", views.review, name="review"),
    path("clues/<uuid:clue_id>/decide", views.decide_dispute, name="decide"),
]
