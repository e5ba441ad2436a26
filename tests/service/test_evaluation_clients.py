"""The judge of LangChain and ours, over the same endpoint and the same model."""

import json
import subprocess
from typing import Any

from tanren.cli.env import client_environment
from tanren.cli.eval_converse import ConverseModel
from tanren.evaluation.judge import Rating, rate
from tanren.evaluation.questions import Question
from tanren.evaluation.rubrics import CORRECTNESS
from tests.service.servers import Server
from tests.service.test_python_clients import PYTHON, SCRIPTS

JUDGE = "anthropic.claude-3-haiku-20240307-v1:0"
"""A family that takes tools; Titan refuses them, here as on AWS."""
CASES = [
    {"question": "What is the capital of France?", "reference": "Paris", "answer": "It is Paris."},
    {"question": "日本の首都はどこですか。", "reference": "東京", "answer": "京都です。"},
]


def _of_langchain(server: Server) -> list[dict[str, Any]]:
    assert PYTHON.is_file(), "the Python clients are not there: `make clients` installs them"
    done = subprocess.run(
        [str(PYTHON), str(SCRIPTS / "langchain_evaluator.py"), json.dumps([JUDGE, CASES])],
        capture_output=True,
        text=True,
        env={**server.environment, **client_environment(server.keys)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_langchains_labelled_score_string_reaches_the_judge_and_is_read_or_refused_by_itself(server):
    found = _of_langchain(server)
    assert len(found) == len(CASES)
    for told, case in zip(found, CASES, strict=True):
        assert all(case[part] in told["prompt"] for part in case)
        assert told["answer"]
        assert 1 <= told["score"] <= 10 if "score" in told else "[[" not in told["answer"]


def test_our_judge_has_a_verdict_of_1_to_10_from_the_same_model_whatever_it_would_like_to_say(server):
    questions = [
        Question(number=number, prompt=case["question"], reference=case["reference"], source=f"case {number}")
        for number, case in enumerate(CASES, start=1)
    ]
    judge = ConverseModel(server.client("bedrock-runtime"), JUDGE, concurrency=2)
    ratings = rate(judge, CORRECTNESS, questions, [case["answer"] for case in CASES])
    assert all(isinstance(rating, Rating) and rating.value in range(1, 11) for rating in ratings)
