from django.urls import path

from fangfanpin.workshop import views

app_name = "workshop"
urlpatterns = [
    path("rules/", views.rules, name="rules"),
    path("rules/new", views.new, name="new"),
    path("rules/check", views.check_text, name="check"),
    path("rules/parameters", views.parameters, name="parameters"),
    path("rules/parameters/withdraw", views.withdraw_parameter, name="withdraw_parameter"),
    path("rules/<slug:rule_id>/", views.rule, name="rule"),
    path("rules/<slug:rule_id>/change", views.change, name="change"),
    path("rules/<slug:rule_id>/switch", views.switch, name="switch"),
]
