import pytest

from tanren.domain.errors import ValidationFailed

CHAIN = {"job_name": "next", "custom_model_name": "next", "base_model_identifier": "tuned"}


def has_parent(plane, scope, hyperparameters: dict[str, str]) -> str:
    arn = plane.has_model(scope)
    with plane.model_rows.database.writing() as connection:
        plane.model_rows.change(connection, arn, hyperparameters=hyperparameters)
    return arn


def created(plane, scope, new_job, hyperparameters: dict[str, str]) -> dict[str, str]:
    job = plane.jobs.get(scope, plane.jobs.create(scope, new_job(**CHAIN, hyperparameters=hyperparameters)))
    return job.hyperparameters


def test_a_job_takes_the_shape_of_the_adapter_that_it_goes_on_from(plane, scope, new_job):
    parent = has_parent(plane, scope, {"epochCount": "9", "loraRank": "4", "loraAlpha": "8"})
    asked = {"epochCount": "3", "loraAlpha": "8.0"}
    assert created(plane, scope, new_job, asked) == {**asked, "loraRank": "4"}
    assert plane.jobs.get(scope, "next").base_model_arn == parent


def test_a_parent_of_the_usual_shape_leaves_the_request_as_it_is(plane, scope, new_job):
    has_parent(plane, scope, {"epochCount": "9"})
    assert created(plane, scope, new_job, {"loraRank": "16"}) == {"loraRank": "16"}


@pytest.mark.parametrize(
    ("parents", "asked", "text"),
    [
        ({"loraRank": "4"}, {"loraRank": "8"}, "loraRank is 8, .* 'tuned', .* has 4. Leave it out"),
        ({}, {"loraAlpha": "64"}, "loraAlpha is 64, .* has 32"),
        ({"loraTargets": "mlp"}, {"loraTargets": "attention"}, "has mlp"),
    ],
)
def test_another_shape_is_refused_before_anything_runs(plane, scope, new_job, parents, asked, text: str):
    has_parent(plane, scope, parents)
    with pytest.raises(ValidationFailed, match=text):
        created(plane, scope, new_job, asked)


@pytest.mark.parametrize("method", ["parent", "job"])
def test_whole_weights_have_no_shape_to_take_over(plane, scope, new_job, method: str):
    full = {"customizationMethod": "full"}
    has_parent(plane, scope, full if method == "parent" else {"loraRank": "4"})
    asked = {"loraRank": "8"} if method == "parent" else full
    assert created(plane, scope, new_job, asked) == asked
