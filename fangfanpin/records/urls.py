from django.urls import path

from fangfanpin.records import views

app_name = "records"
urlpatterns = [
    path("pictures/<uuid:picture_id>", views.picture, name="picture"),
    path("pictures/<uuid:picture_id>/small", views.picture_small, name="picture_small"),
    path("imports/", views.imports, name="imports"),
    path("imports/<uuid:batch_id>/", views.batch, name="batch"),
    path("imports/<uuid:batch_id>/apply", views.apply, name="apply"),
    path("imports/<uuid:batch_id>/take-back", views.take_back, name="take_back"),
    path("imports/<uuid:batch_id>/tray", views.tray, name="tray"),
    path("imports/<uuid:batch_id>/tray.xlsx", views.tray_file, name="tray_file"),
    path("imports/<uuid:batch_id>/tray/<int:tray_id>", views.mend, name="mend"),
    path("imports/<uuid:batch_id>/differences", views.differences, name="differences"),
]
