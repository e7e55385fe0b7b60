from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "history"

    def ready(self) -> None:
        from history import activity_signals, import_signals, signals
        from history.archive import signals as archive_signals

        signals.connect()
        activity_signals.connect()
        import_signals.connect()
        archive_signals.connect()
