from django.urls import path

from fangfanpin.web.views import set_language

app_name = "web"
urlpatterns = [path("language", set_language, name="set_language")]
