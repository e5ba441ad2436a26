import pytest
from sqlalchemy.exc import IntegrityError

from tanren.domain.model_import_jobs import ImportJobStatus


def test_a_terminal_status_is_final_in_the_store_itself(plane, scope, new_import):
    arn = plane.imports.create(scope, new_import())
    with plane.import_rows.database.writing() as connection:
        assert plane.import_rows.move(connection, arn, ImportJobStatus.FAILED, at=plane.clock())
        assert not plane.import_rows.move(connection, arn, ImportJobStatus.COMPLETED, at=plane.clock())
    with pytest.raises(IntegrityError, match="terminal"), plane.import_rows.database.writing() as connection:
        plane.import_rows.change(connection, arn, status=ImportJobStatus.IN_PROGRESS)
