"""The schema's metadata, to which every table adds itself, and the types of columns that SQLAlchemy does not have.

Times are aware UTC in Python and UTC in the database.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator

from tanren.domain.customization_jobs import PhaseState


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps no time zone, so it is dropped on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "a naive datetime reached the store"
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # A page of a hundred jobs has three hundred times: one call for each, where the text is SQLite's.
        return _utc_of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc_of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Phases(TypeDecorator[dict[str, PhaseState]]):
    """The phases of a job, as JSON whose moments are ISO 8601."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: dict[str, PhaseState] | None, dialect: Dialect) -> Any:
        return msgspec.to_builtins(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, PhaseState]:
        return msgspec.convert(value, dict[str, PhaseState])

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # As above: from SQLite's text at once, the moments included.
        return _phases_of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


_phases_of_text: Final = msgspec.json.Decoder(dict[str, PhaseState]).decode

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
