from django.apps import AppConfig
from django.db.models.signals import post_migrate

from fangfanpin.audit.grants import grant_after_migrate


class AuditConfig(AppConfig):
    name = "fangfanpin.audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(grant_after_migrate, dispatch_uid="fangfanpin.audit.grants")
