from django.urls import path

from fangfanpin.accounts import keeping, views

app_name = "accounts"
urlpatterns = [
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("password", views.change_password, name="change_password"),
    path("reauth", views.reauth, name="reauth"),
    path("large-print", views.set_large_print, name="set_large_print"),
    path("", keeping.accounts, name="accounts"),
    path("template.xlsx", keeping.template, name="template"),
    path("bulk", keeping.bulk, name="bulk"),
    path("<int:user_id>/", keeping.account, name="account"),
    path("<int:user_id>/reset", keeping.reset, name="reset"),
    path("<int:user_id>/leave", keeping.leave, name="leave"),
    path("<int:user_id>/assign", keeping.assign, name="assign"),
]
