from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "history"

    def ready(self) -> None:
        from history import activity_signals, signals

        signals.connect()
        activity_signals.connect()
