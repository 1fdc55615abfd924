from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    name = "fangfanpin.archives"
    default_auto_field = "django.db.models.BigAutoField"
