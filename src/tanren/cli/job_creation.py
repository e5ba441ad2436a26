"""`tanren job create`: a customization job from options, from a file, or from both; an option wins over the file.

The file is TOML or JSON in the members of CreateModelCustomizationJob, as `aws bedrock create-model-customization-job
--cli-input-json` reads them too. Numbers reach the service as they are written: 0.00001 stays 0.00001.
"""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tanren.cli.calls import Api, Call, DryRun, open_api, show_equivalents
from tanren.cli.confirmation import Yes, confirm
from tanren.cli.endpoint import DataDir, EndpointUrl
from tanren.cli.job_following import follow
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption, aside
from tanren.cli.pairs import pairs_of, tags_of
from tanren.cli.waiting import wait_until_done
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.success_criteria import in_words, parse_criteria
from tanren.domain.test_sets import SUCCESS_CRITERIA_TAG, TEST_DATA_TAG

_REQUIRED: Final = {
    "jobName": "--job-name",
    "customModelName": "--custom-model-name",
    "roleArn": "--role-arn",
    "baseModelIdentifier": "--base-model",
    "trainingDataConfig": "--training-data",
    "outputDataConfig": "--output-data",
}


def create(
    job_name: Annotated[str | None, typer.Option("--job-name", help="Of the job.")] = None,
    custom_model_name: Annotated[
        str | None, typer.Option("--custom-model-name", help="Of the model that it makes.")
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option(
            "--base-model",
            "--base-model-identifier",
            "--model-id",
            help="Id of a foundation model, or ARN of a custom model to go on from.",
        ),
    ] = None,
    role_arn: Annotated[
        str | None, typer.Option("--role-arn", help="Role that may read the data and write the output.")
    ] = None,
    training_data: Annotated[str | None, typer.Option("--training-data", help="s3://BUCKET/KEY.")] = None,
    validation_data: Annotated[
        list[str] | None, typer.Option("--validation-data", help="s3://BUCKET/KEY; may be repeated.")
    ] = None,
    output_data: Annotated[
        str | None, typer.Option("--output-data", help="s3://BUCKET/FOLDER/ for the files of metrics.")
    ] = None,
    customization_type: Annotated[
        str | None,
        typer.Option("--customization-type", help="FINE_TUNING (the service's default) or CONTINUED_PRE_TRAINING."),
    ] = None,
    epochs: Annotated[
        str | None,
        typer.Option("--epochs", "--epoch-count", help="The hyperparameter epochCount."),
    ] = None,
    batch_size: Annotated[str | None, typer.Option("--batch-size", help="The hyperparameter batchSize.")] = None,
    learning_rate: Annotated[
        str | None, typer.Option("--learning-rate", help="The hyperparameter learningRate.")
    ] = None,
    learning_rate_multiplier: Annotated[
        str | None,
        typer.Option("--learning-rate-multiplier", help="The hyperparameter learningRateMultiplier."),
    ] = None,
    warmup_steps: Annotated[
        str | None,
        typer.Option(
            "--warmup-steps",
            "--learning-rate-warmup-steps",
            help="The hyperparameter learningRateWarmupSteps.",
        ),
    ] = None,
    early_stopping_threshold: Annotated[
        str | None,
        typer.Option("--early-stopping-threshold", help="The hyperparameter earlyStoppingThreshold."),
    ] = None,
    early_stopping_patience: Annotated[
        str | None,
        typer.Option("--early-stopping-patience", help="The hyperparameter earlyStoppingPatience."),
    ] = None,
    hyper: Annotated[
        list[str] | None,
        typer.Option(
            "--hyper",
            help="NAME=VALUE, any that the base model has; may be repeated.",
        ),
    ] = None,
    test_data: Annotated[
        str | None,
        typer.Option("--test-data", help="s3://BUCKET/KEY with questions: base and model are evaluated on it."),
    ] = None,
    success_criteria: Annotated[
        str | None,
        typer.Option(
            "--success-criteria", help="What makes the model SHIP: 'rougeL >= base + 0.1; forgetting <= minor'."
        ),
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE, of the job; may be repeated.")] = None,
    model_tags: Annotated[
        list[str] | None, typer.Option("--model-tag", help="KEY=VALUE, of the model; may be repeated.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--client-request-token", help="A second call with it makes no second job. Default: a new one."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="TOML or JSON in the API's members (jobName, hyperParameters, …)."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when the job is over; exit code 1 unless it has completed.")
    ] = False,
    follow_it: Annotated[
        bool, typer.Option("--follow", help="Wait, with the live view of `tanren job watch`.")
    ] = False,
    yes: Yes = False,
    output: OutputOption = Output.TABLE,
    dry_run: DryRun = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Create a customization job; prints its ARN.

    On AWS it asks before it buys. Ctrl-C leaves a job that is followed; the job goes on.

    Example: tanren job create --job-name first-job --custom-model-name first-model
    --base-model amazon.titan-text-express-v1 --role-arn arn:aws:iam::123456789012:role/BedrockRole
    --training-data s3://my-bucket/train.jsonl --output-data s3://my-bucket/output/ --epochs 3 --follow

    Example: tanren job create --config job.toml --learning-rate 0.00002 --follow
    """
    if wait and follow_it:
        raise ValidationFailed(say("--wait and --follow are two ways to wait; give one of them."))
    request = {} if config is None else read_request(config)
    given: dict[str, Any] = {
        "jobName": job_name,
        "customModelName": custom_model_name,
        "roleArn": role_arn,
        "clientRequestToken": token,
        "baseModelIdentifier": base_model,
        "customizationType": customization_type,
        "jobTags": [*tags_of(tags), *_evaluation_tags(test_data, success_criteria)],
        "customModelTags": tags_of(model_tags),
        "trainingDataConfig": training_data and {"s3Uri": _in_s3(training_data)},
        "validationDataConfig": validation_data and {"validators": [{"s3Uri": _in_s3(uri)} for uri in validation_data]},
        "outputDataConfig": output_data and {"s3Uri": _in_s3(output_data)},
    }
    request |= {name: value for name, value in given.items() if value}
    named = {
        "epochCount": epochs,
        "batchSize": batch_size,
        "learningRate": learning_rate,
        "learningRateMultiplier": learning_rate_multiplier,
        "learningRateWarmupSteps": warmup_steps,
        "earlyStoppingThreshold": early_stopping_threshold,
        "earlyStoppingPatience": early_stopping_patience,
    }
    hyperparameters = {
        **request.get("hyperParameters", {}),
        **{name: value for name, value in named.items() if value is not None},
        **pairs_of(hyper, "--hyper", "epochCount=3"),
    }
    if hyperparameters:
        request["hyperParameters"] = hyperparameters
    _require(request)
    call = Call(operation="CreateModelCustomizationJob", parameters=request)
    if dry_run:
        show_equivalents(call, output)
        return
    with open_api(endpoint_url, data_dir) as api:
        if api.is_aws:
            confirm(say("This trains on AWS, which costs money there. Create the job?"), yes=yes)
        arn: str = api.perform(call)["jobArn"]
        print(arn if output is Output.TABLE else json.dumps({"jobArn": arn}), flush=True)
        _afterwards(api, request["jobName"], arn, output, wait=wait, follow_it=follow_it)


def read_request(config: Path) -> dict[str, Any]:
    """Members of the request, as the file has them; every hyperparameter as the text that stands there.

    Raises   ResourceNotFound, ValidationFailed with the place in the file.
    """
    if not config.is_file():
        raise ResourceNotFound(say("There is no file {path}.", path=config))
    text = config.read_text("utf-8")
    try:
        request: Any = (
            json.loads(text, parse_float=Decimal)
            if config.suffix == ".json"
            else tomllib.loads(text, parse_float=Decimal)
        )
    except ValueError as error:
        raise ValidationFailed(say("{path} cannot be read: {error}", path=config, error=error)) from error
    if not isinstance(request, dict):
        raise ValidationFailed(say("{path} must be a table of the API's members, such as jobName.", path=config))
    hyperparameters: dict[str, Any] = request.get("hyperParameters", {})
    if hyperparameters:
        request["hyperParameters"] = {name: _text(value) for name, value in hyperparameters.items()}
    return {name: _plain(value) for name, value in request.items()}


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _in_s3(uri: str) -> str:
    if not uri.startswith("s3://"):
        raise ValidationFailed(
            say("'{uri}' is not in S3; `tanren data push {uri} s3://BUCKET/KEY` uploads a file first.", uri=uri)
        )
    return uri


def _require(request: dict[str, Any]) -> None:
    missing = [flag for member, flag in _REQUIRED.items() if member not in request]
    if missing:
        raise ValidationFailed(
            say(
                "{flags}: missing, and not in a --config file either. `tanren job create --help` has a whole example.",
                flags=", ".join(missing),
            )
        )


def _afterwards(api: Api, name: str, arn: str, output: Output, *, wait: bool, follow_it: bool) -> None:
    reattach = f"tanren job watch {name}"
    if follow_it:
        follow(api, arn, output, reattach=reattach)
    elif wait:
        wait_until_done(
            api,
            Call(operation="GetModelCustomizationJob", parameters={"jobIdentifier": arn}),
            is_done=("Completed",),
            has_failed=("Failed", "Stopped"),
            reattach=reattach,
        )
        aside().print(say("{name} has completed.", name=name), markup=False)
    else:
        aside().print(say("{name} is under way; `{command}` follows it.", name=name, command=reattach), markup=False)


def _evaluation_tags(test_data: str | None, success_criteria: str | None) -> list[dict[str, str]]:
    """As the API has them. Raises   ValidationFailed for what is no criteria."""
    stated = None if success_criteria is None else in_words(parse_criteria(success_criteria))
    found = {TEST_DATA_TAG: test_data and _in_s3(test_data), SUCCESS_CRITERIA_TAG: stated}
    return [{"key": key, "value": value} for key, value in found.items() if value]
