from django.urls import path

from fangfanpin.jobs import views

app_name = "jobs"
urlpatterns = [
    path("jobs/", views.job_list, name="jobs"),
    path("jobs/<uuid:job_id>", views.job, name="job"),
    path("jobs/<uuid:job_id>/state.json", views.job_state, name="state"),
    path("files/<uuid:file_id>", views.download, name="file"),
]
