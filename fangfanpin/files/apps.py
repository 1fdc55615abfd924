from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "fangfanpin.files"
    default_auto_field = "django.db.models.BigAutoField"
