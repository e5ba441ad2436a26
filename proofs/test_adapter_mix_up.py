"""Thousands of requests at random over a hundred models of one base, all at once: does any answer come from another?

    make proofs                     the figures go to docs/proofs.md
    pytest -s proofs/test_adapter_mix_up.py --requests 500              a smaller run

Each adapter answers one word of its own, over and over (`marked_adapters.py`), and the base answers what it answered
when it was alone; so every answer says who made it, token by token. What invites a mix-up is all there: as many
requests at once as the engine takes, six prompts that all models share (so that the prompt cache finds the same
beginning under every adapter), more adapters than the engine host keeps (so that they are evicted and loaded again in
mid-run), greedy and sampled requests in one batch, four operations, three kinds of model id.

The test of the test: models whose name says another adapter than the one that they have, asked in the same way, are all
counted as swaps; and what an answer over another adapter's cached beginning would be is computed and found to differ.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from proofs.asking import WAYS, Question, ask
from proofs.figures import keep
from proofs.marked_adapters import MarkedAdapter, MarkedAdapters
from proofs.published_models import PublishedModels
from tanren.catalog.weights import WeightsCatalogue
from tanren.serving.client import EngineClient
from tanren.serving.engines.stepper import BLOCK_TOKENS
from tanren.serving.protocol import EngineLimits
from tests.service.servers import BASE_MODEL, Server, wait_until

ADAPTERS = 96
CONCURRENT = 32
ANSWER_TOKENS = 4
BASE_SHARE = 0.06
SAMPLED_SHARE = 0.5
"""Of the requests: temperature 1, with a top p that leaves the best token."""
DEPLOYED = 12
LIARS = 16
LIES = 200
WAY_WEIGHTS = dict(zip(WAYS, (35, 15, 35, 15), strict=True))

PROMPTS = tuple(
    f"You are asked by the keeper of the {place}. Look into the long list of things that were brought in since the "
    f"first day of {month}, think about which of them were paid for and which were not, and then tell me in a few "
    f"words what I should do with the {thing} that nobody has come for."
    for place, month, thing in (
        ("harbour", "March", "red boat"),
        ("market", "June", "two lamps"),
        ("mill", "October", "grey stone"),
        ("garden", "May", "old ladder"),
        ("school", "January", "box of letters"),
        ("forge", "August", "broken blade"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    question: Question
    owner: str
    """Name of the model that has to answer."""
    answer: str = ""


class Judge:
    """Who made an answer, by its words."""

    def __init__(self, adapters: list[MarkedAdapter], base_answers: dict[tuple[str, str], str]) -> None:
        self._by_answer = {adapter.answer: adapter.name for adapter in adapters}
        assert len(self._by_answer) == len(adapters), "two adapters answer alike"
        assert not set(self._by_answer) & set(base_answers.values()), "the base answers like an adapter"
        self._base_answers = base_answers

    def verdict(self, asked: Asked) -> str:
        """`right`; `swapped` where another model is heard; `nobody's` where the words are no one model's."""
        made_by = self._by_answer.get(asked.answer)
        if made_by is None and asked.answer == self._base_answers[asked.question.way, asked.question.prompt]:
            made_by = BASE_MODEL
        if made_by == asked.owner:
            return "right"
        return "nobody's" if made_by is None else "swapped"


class Residents:
    """Watches which adapters the engine host holds; what comes between two looks is not seen."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._over = threading.Event()
        self.loads = 0
        """Adapters that were not there at the look before; at least so many were loaded."""
        self.most = 0

    @contextmanager
    def watched(self) -> Generator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        seen: set[str] = set()
        while not self._over.wait(0.2):
            found = set(asyncio.run(self._engine.describe()).resident_adapters)
            self.loads += len(found - seen)
            self.most = max(self.most, len(found))
            seen = found


def _questions(names: dict[str, list[str]], count: int, draw: random.Random) -> list[Asked]:
    """`names`: of each model, the ids under which it can be asked."""
    owners = list(names)
    asked: list[Asked] = []
    for _ in range(count):
        owner = BASE_MODEL if draw.random() < BASE_SHARE else draw.choice(owners)
        is_sampled = draw.random() < SAMPLED_SHARE
        question = Question(
            way=draw.choices(list(WAY_WEIGHTS), weights=list(WAY_WEIGHTS.values()))[0],
            model_id=BASE_MODEL if owner == BASE_MODEL else draw.choice(names[owner]),
            prompt=draw.choice(PROMPTS),
            max_tokens=ANSWER_TOKENS,
            temperature=1.0 if is_sampled else 0.0,
            top_p=0.001 if is_sampled else 1.0,
        )
        asked.append(Asked(question=question, owner=owner))
    return asked


def _answered(runtime: Any, asked: list[Asked]) -> list[Asked]:
    def answered(each: Asked) -> Asked:
        return replace(each, answer=ask(runtime, each.question))

    with ThreadPoolExecutor(CONCURRENT) as pool:
        return list(pool.map(answered, asked))


def _base_answers(runtime: Any) -> dict[tuple[str, str], str]:
    return {
        (way, prompt): ask(runtime, Question(way=way, model_id=BASE_MODEL, prompt=prompt, max_tokens=ANSWER_TOKENS))
        for way in WAYS
        for prompt in PROMPTS
    }


def _deployed(server: Server, arns: list[str]) -> list[str]:
    """ARNs of deployments of these models, each in service."""
    bedrock = server.client("bedrock")
    made = [
        bedrock.create_custom_model_deployment(modelDeploymentName=f"deployed-{number}", modelArn=arn)[
            "customModelDeploymentArn"
        ]
        for number, arn in enumerate(arns)
    ]

    def are_active() -> bool:
        found = [bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)["status"] for arn in made]
        assert "Failed" not in found
        return set(found) == {"Active"}

    wait_until(are_active, seconds=120, what="the deployments in service")
    return made


@pytest.mark.timeout(3600)
def test_no_answer_comes_from_another_adapter(tmp_path: Path, request_count: int):
    server = Server(tmp_path / "data", {"TANREN_ENGINE_WAIT_SECONDS": "300"})
    weights = WeightsCatalogue(server.data_dir).weights_of(BASE_MODEL)
    maker = MarkedAdapters(weights.folder, PROMPTS, answer_tokens=ANSWER_TOKENS)
    adapters = maker.write(tmp_path / "adapters", count=ADAPTERS)
    draw = random.Random(request_count)
    foreign = [
        maker.foreign_beginning(reader, owner, draw.randrange(len(PROMPTS)), block_tokens=BLOCK_TOKENS) != reader.answer
        for reader, owner in (draw.sample(adapters, 2) for _ in range(24))
    ]
    server.start()
    try:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=120, max_pool_connections=CONCURRENT)
        runtime = server.client("bedrock-runtime", config=config)
        judge = Judge(adapters, _base_answers(runtime))
        models = PublishedModels(server, foundation_model_id=BASE_MODEL, weights=weights)
        names: dict[str, list[str]] = {}
        for adapter in adapters:
            arn = models.publish(adapter.name, adapter.folder, sha256=adapter.sha256)
            names[adapter.name] = [adapter.name, arn]
        chosen = [each.name for each in draw.sample(adapters, DEPLOYED)]
        for name, deployment in zip(chosen, _deployed(server, [names[name][1] for name in chosen]), strict=True):
            names[name].append(deployment)
        engine = models.engine()
        residents = Residents(engine)
        before = asyncio.run(engine.describe())
        asked = _questions(names, request_count, draw)
        began = time.monotonic()
        with residents.watched():
            answered = _answered(runtime, asked)
        seconds = time.monotonic() - began
        after = asyncio.run(engine.describe())

        liars: dict[str, list[str]] = {}
        for teller, told in zip(adapters[:LIARS], adapters[LIARS : 2 * LIARS], strict=True):
            liars[told.name] = [f"liar-{told.name}"]
            models.publish(f"liar-{told.name}", teller.folder, sha256=teller.sha256)
        lies = [each for each in _questions(liars, LIES, draw) if each.owner != BASE_MODEL]
        detected = Counter(judge.verdict(each) for each in _answered(runtime, lies))
        models.close()
    finally:
        server.stop()
    verdicts = Counter((each.question.way, judge.verdict(each)) for each in answered)
    wrong = [each for each in answered if judge.verdict(each) != "right"]
    figures = {
        "requests": len(answered),
        "adapters": ADAPTERS,
        "concurrent": CONCURRENT,
        "of_the_base": sum(each.owner == BASE_MODEL for each in answered),
        "by_way": {f"{way}: {verdict}": count for (way, verdict), count in sorted(verdicts.items())},
        "swapped": sum(count for (_, verdict), count in verdicts.items() if verdict == "swapped"),
        "nobodys": sum(count for (_, verdict), count in verdicts.items() if verdict == "nobody's"),
        "places_for_adapters": EngineLimits().max_resident_adapters,
        "most_resident_adapters": residents.most,
        "loads_seen": residents.loads,
        "prompt_tokens": after.prompt_token_count - before.prompt_token_count,
        "prompt_tokens_from_the_cache": after.reused_prompt_token_count - before.reused_prompt_token_count,
        "deliberate_swaps": len(lies),
        "deliberate_swaps_counted": detected["swapped"],
        "foreign_beginnings_that_would_show": f"{sum(foreign)} of {len(foreign)}",
        "engine": after.engine,
        "seconds": round(seconds, 1),
    }
    keep("adapter_mix_up", figures)
    assert wrong == [], f"the first of {len(wrong)}: {wrong[0]}"
    assert detected == {"swapped": len(lies)}
    assert all(foreign)
    assert residents.most <= EngineLimits().max_resident_adapters < ADAPTERS
    assert residents.loads > ADAPTERS, "no adapter was evicted and loaded again"
    assert after.reused_prompt_token_count > before.reused_prompt_token_count, "no prompt was found in the cache"
