from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WebConfig(AppConfig):
    """Last in the list of apps: when it is ready, all models are, and the apps may register with one another."""

    name = "fangfanpin.web"

    def ready(self) -> None:
        autodiscover_modules("hooks")  # an app's hooks.py registers with the apps below it
        autodiscover_modules("handlers", "exporting")  # an app's handlers.py says which background jobs it does, its exporting.py which lists
