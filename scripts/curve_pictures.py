"""`python scripts/curve_pictures.py`: the pictures of docs/reading-curves.md, from four real jobs on their own server.

Each has the data of a recipe; what else is not the default is written beside its name.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from tanren.cli.loss_curve import Curve, draw
from tanren.recipes.collection import find_recipe
from tanren.storage.root_keys import RootKeys, read_root_keys

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
BUCKET = "curves"
SITUATIONS = {
    "learning": ("glossary", {"epochCount": "6"}),
    "over-fitting": ("answer-style", {"epochCount": "12"}),
    "too-low": ("glossary", {"epochCount": "4", "learningRate": "0.0001"}),
    "too-high": ("glossary", {"epochCount": "4", "learningRate": "0.2"}),
}
ALWAYS = {"batchSize": "8", "earlyStoppingPatience": "10", "earlyStoppingThreshold": "0"}
TITLES = {
    "learning": "learning: 6 epochs at the default rate",
    "over-fitting": "over-fitting: 12 epochs on 64 rows",
    "too-low": "too timid: a thirtieth of the rate",
    "too-high": "too bold: sixty times the rate",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tanren", "serve", "--port", "4531", "--data-dir", f"{folder}/data"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            keys = read_root_keys(Path(folder) / "data")
            assert keys is not None
            for name in sys.argv[1:] or SITUATIONS:
                picture(keys, name)
        finally:
            server.terminate()
            server.wait()


def picture(keys: RootKeys, name: str) -> None:
    """Trains one situation and draws it."""
    session = boto3.Session(
        aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key, region_name=keys.region
    )
    s3: Any = session.client("s3", endpoint_url=keys.endpoint)
    bedrock: Any = session.client("bedrock", endpoint_url=keys.endpoint)
    recipe, hyperparameters = SITUATIONS[name]
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(Bucket=BUCKET)
    for file in ("train.jsonl", "validation.jsonl"):
        s3.upload_file(str(find_recipe(recipe).folder / file), BUCKET, f"{name}/{file}")
    arn = bedrock.create_model_customization_job(
        jobName=name,
        customModelName=name,
        roleArn=f"arn:aws:iam::{keys.account_id}:role/curves",
        baseModelIdentifier="tanren.nano-v1:0",
        trainingDataConfig={"s3Uri": f"s3://{BUCKET}/{name}/train.jsonl"},
        validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/{name}/validation.jsonl"}]},
        outputDataConfig={"s3Uri": f"s3://{BUCKET}/output/"},
        hyperParameters={
            **hyperparameters,
            "batchSize": "8",
            "earlyStoppingPatience": "10",
            "earlyStoppingThreshold": "0",
        },
    )["jobArn"]
    while (job := bedrock.get_model_customization_job(jobIdentifier=arn))["status"] == "InProgress":
        time.sleep(1)
    root = f"output/model-customization-job-{arn.rsplit('/', 1)[-1]}"
    training = _curve(s3, f"{root}/training_artifacts/step_wise_training_metrics.csv", "training_loss")
    validation = _curve(
        s3, f"{root}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv", "validation_loss"
    )
    draw(IMAGES / f"curve-{name}.png", training, validation, title=TITLES[name])
    print(f"{name}: {job['status']} {job.get('failureMessage', '')} {training.losses[-1]:.2f} {validation.losses}")


def _curve(s3: Any, key: str, column: str) -> Curve:
    text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return Curve.from_csv(text, column=column)


if __name__ == "__main__":
    main()
