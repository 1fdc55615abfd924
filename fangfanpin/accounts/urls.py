from django.urls import path

from fangfanpin.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("password", views.change_password, name="change_password"),
    path("reauth", views.reauth, name="reauth"),
    path("large-print", views.set_large_print, name="set_large_print"),
]
