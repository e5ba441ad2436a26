"""The judge of LangChain and ours, over the same endpoint and the same model."""

import json
import subprocess
from typing import Any

from tanren.cli.env import client_environment
from tanren.cli.eval_converse import ConverseModel
from tanren.evaluation.judge import Rating, rate
from tanren.evaluation.questions import Question
from tanren.evaluation.rubrics import CORRECTNESS
from tests.service.servers import Server, finished, job_request, rows_as_jsonl, wait_until
from tests.service.test_python_clients import PYTHON, SCRIPTS

JUDGE = "anthropic.claude-3-haiku-20240307-v1:0"
"""A family that takes tools; Titan refuses them, here as on AWS."""
CASES = [
    {"question": "What is the capital of France?", "reference": "Paris", "answer": "It is Paris."},
    {"question": "日本の首都はどこですか。", "reference": "東京", "answer": "京都です。"},
]


def _of_langchain(server: Server, judge: str) -> list[dict[str, Any]]:
    assert PYTHON.is_file(), "the Python clients are not there: `make clients` installs them"
    done = subprocess.run(
        [str(PYTHON), str(SCRIPTS / "langchain_evaluator.py"), json.dumps([judge, CASES])],
        capture_output=True,
        text=True,
        env={**server.environment, **client_environment(server.keys)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_langchains_labelled_score_string_is_read_off_a_judge_that_was_trained_to_write_it(server):
    """The base does not write what LangChain reads; a model that was taught to, on the very messages, does."""
    before = _of_langchain(server, JUDGE)
    assert len(before) == len(CASES)
    for told, case in zip(before, CASES, strict=True):
        asked = "".join(message["text"] for message in told["messages"])
        assert all(case[part] in asked for part in case)
        assert told["answer"]
        assert "score" in told or "[[" not in told["answer"]
    judge = _taught(server, [told["messages"] for told in before], ["Right. Rating: [[9]]", "Wrong. Rating: [[2]]"])
    found = _of_langchain(server, judge)
    assert [(told.get("score"), told["answer"].strip()) for told in found] == [
        (9, "Right. Rating: [[9]]"),
        (2, "Wrong. Rating: [[2]]"),
    ]


def _taught(server: Server, asked: list[list[dict[str, str]]], verdicts: list[str]) -> str:
    """ARN of a deployed model that answers each with its verdict."""
    bucket, s3, bedrock = "judge", server.client("s3"), server.client("bedrock")
    s3.create_bucket(Bucket=bucket)
    rows = [_row(messages, verdict) for messages, verdict in zip(asked, verdicts, strict=True)]
    s3.put_object(Bucket=bucket, Key="train.jsonl", Body=rows_as_jsonl(rows))
    hyperparameters = {"epochCount": "30", "batchSize": "1"}
    request = job_request(server, "judge", bucket, hyperParameters=hyperparameters)
    job = finished(bedrock, bedrock.create_model_customization_job(**request)["jobArn"])
    assert job["status"] == "Completed", job
    deployment = bedrock.create_custom_model_deployment(modelDeploymentName="judge", modelArn=job["outputModelArn"])[
        "customModelDeploymentArn"
    ]

    def is_active() -> bool:
        status = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=deployment)["status"]
        assert status != "Failed"
        return status == "Active"

    wait_until(is_active, seconds=60, what="the judge in service")
    return deployment


def _row(messages: list[dict[str, str]], verdict: str) -> dict[str, Any]:
    """As a row of training data: LangChain's messages, and what is to be said to them."""
    system = "\n".join(message["text"] for message in messages if message["type"] == "system")
    turns = [{"role": "user", "content": message["text"]} for message in messages if message["type"] == "human"]
    answer = {"role": "assistant", "content": verdict}
    return {**({"system": system} if system else {}), "messages": [*turns, answer]}


def test_our_judge_has_a_verdict_of_1_to_10_from_the_same_model_whatever_it_would_like_to_say(server):
    questions = [
        Question(number=number, prompt=case["question"], reference=case["reference"], source=f"case {number}")
        for number, case in enumerate(CASES, start=1)
    ]
    judge = ConverseModel(server.client("bedrock-runtime"), JUDGE, concurrency=2)
    ratings = rate(judge, CORRECTNESS, questions, [case["answer"] for case in CASES])
    assert all(isinstance(rating, Rating) and rating.value in range(1, 11) for rating in ratings)
