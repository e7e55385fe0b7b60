from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "history"

    def ready(self) -> None:
        from pymongo.errors import PyMongoError

        from core.row_isolation import STORE_ERRORS
        from history import activity_signals, import_signals, parked_rows, signals
        from history.archive import signals as archive_signals
        from history.patience import Away

        signals.connect()
        activity_signals.connect()
        import_signals.connect()
        archive_signals.connect()
        parked_rows.connect()
        STORE_ERRORS.extend([PyMongoError, Away])
