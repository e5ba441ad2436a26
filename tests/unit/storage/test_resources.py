"""Pages of a list over real rows: each row once, in order, read from an index."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite

from tanren.domain.customization_jobs import CustomizationJobSummary
from tanren.domain.pages import PageRequest, decode_token
from tanren.domain.scope import Scope
from tanren.storage import model_names
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resources import ListFilter

LISTED = [
    CustomizationJobs,
    CustomModels,
    ModelImportJobs,
    ImportedModels,
    ModelCopyJobs,
    ProvisionedThroughputs,
    CustomModelDeployments,
    ModelInvocationJobs,
]
IN_SCOPE = ("account_id", "region")
QUERIES = [IN_SCOPE, (*IN_SCOPE, "cursor_created_at", "cursor_arn"), (*IN_SCOPE, "created_after", "created_before")]


@pytest.fixture
def many_jobs(plane, scope, new_job) -> list[str]:
    """ARNs of 23 jobs, oldest first; several were created in the same moment."""
    plane.jobs.create(scope, new_job(job_name="job-00"))
    table = plane.job_rows.table
    with plane.job_rows.database.writing() as connection:
        row = dict(connection.execute(select(table)).one()._mapping)
        for number in range(1, 23):
            changed = {
                "arn": f"{row['arn'][:-12]}{100 + number:012d}",
                "name": f"job-{number:02d}",
                "output_model_name": f"model_{number}" if number % 2 else f"model-{number}",
                "created_at": row["created_at"] + timedelta(seconds=number // 4),
            }
            connection.execute(insert(table).values({**row, **changed}))
        ordered = select(table.c.arn).order_by(table.c.created_at, table.c.arn)
        return list(connection.execute(ordered).scalars())


def walked(page: Callable, scope: Scope, size: int, *, descending: bool) -> list[str]:
    arns, token = [], None
    while True:
        after = None if token is None else decode_token(token)
        found = page(scope, PageRequest(size=size, after=after, descending=descending), ListFilter())
        arns += [item.job_arn for item in found.items]
        token = found.next_token
        if token is None:
            return arns
        assert len(found.items) == size


@pytest.mark.parametrize("size", [1, 3, 4, 22, 23, 24])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_any_size_give_every_row_once_and_in_order(plane, scope, many_jobs, size, descending):
    expected = many_jobs[::-1] if descending else many_jobs
    assert walked(plane.job_rows.page, scope, size, descending=descending) == expected
    assert walked(plane.job_rows.summaries, scope, size, descending=descending) == expected


def test_a_summary_says_of_a_job_what_the_whole_row_says(plane, scope, many_jobs):
    request = PageRequest(size=100)
    jobs = plane.job_rows.page(scope, request, ListFilter()).items
    summaries = plane.job_rows.summaries(scope, request, ListFilter()).items
    names = CustomizationJobSummary._fields
    assert [[getattr(job, name) for name in names] for job in jobs] == [
        [getattr(summary, name) for name in names] for summary in summaries
    ]


def test_what_like_takes_for_a_pattern_is_a_letter_of_a_name(plane, scope, many_jobs):
    def found(contains: str) -> int:
        wanted = ListFilter(name_contains=contains)
        return len(plane.job_rows.page(scope, PageRequest(size=100), wanted).items)

    assert found("job-0") == 10
    assert [found(text) for text in ("job_0", "%", "_", "/", "/%")] == [0, 0, 0, 0, 0]


def test_filters_hold_together(plane, scope, other_scope, many_jobs):
    times = [job.created_at for job in plane.job_rows.page(scope, PageRequest(size=100), ListFilter()).items]
    wanted = ListFilter(
        created_after=min(times), created_before=max(times), name_contains="job-1", equals={"status": "InProgress"}
    )
    page = plane.job_rows.page(scope, PageRequest(size=100, descending=False), wanted)
    assert [job.job_name for job in page.items] == [f"job-{number}" for number in range(10, 20)]
    assert all(earlier.created_at <= later.created_at for earlier, later in pairwise(page.items))
    assert plane.job_rows.page(other_scope, PageRequest(), wanted).items == []
    assert plane.job_rows.page(scope, PageRequest(), ListFilter(equals={"status": "Failed"})).items == []


@pytest.mark.sqlite
@pytest.mark.parametrize("rows", LISTED, ids=lambda rows: rows.__name__)
@pytest.mark.parametrize("given", QUERIES, ids=["first page", "next page", "between times"])
def test_a_page_is_read_in_its_order_from_an_index(database, rows, given):
    made = rows(database)
    query = made._page_query(made._whole, given, descending=True)
    assert "created_at" in plan_of(database, query)
    assert "TEMP B-TREE" not in plan_of(database, query)


@pytest.mark.sqlite
def test_neither_a_status_nor_a_name_makes_a_query_read_all_jobs(database):
    jobs = CustomizationJobs(database)
    by_status = plan_of(database, jobs._page_query(jobs._whole, (*IN_SCOPE, "equals_status"), descending=True))
    assert "ix_customization_jobs_status (account_id=? AND region=? AND status=?)" in by_status
    assert "TEMP B-TREE" not in by_status
    assert "uq_customization_jobs_running_output_name" in plan_of(database, model_names._HOLDERS)
    by_name = plan_of(database, jobs._by_arn_or_name)
    assert "arn=?" in by_name
    assert "name=?" in by_name


def plan_of(database, query) -> str:
    """What SQLite says it will do; with parameters of whatever value."""
    statement = str(query.compile(dialect=sqlite.dialect()))
    with database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?")).all()
    return " / ".join(row[3] for row in rows)
