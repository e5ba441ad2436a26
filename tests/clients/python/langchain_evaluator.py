"""LangChain's own labelled-score-string evaluator, unmodified, with a model behind AWS_ENDPOINT_URL as its judge.

python langchain_evaluator.py '["MODEL ID", [{"question": …, "reference": …, "answer": …}]]'

A line of JSON for each: the score, or what the evaluator could not read; and the messages that it sent.
"""

import json
import sys

from langchain_aws import ChatBedrockConverse
from langchain_classic.evaluation.scoring.eval_chain import LabeledScoreStringEvalChain
from langchain_core.callbacks import BaseCallbackHandler


class Heard(BaseCallbackHandler):
    """What went to the model, and what came back."""

    messages = ()
    answer = ""

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.messages = [{"type": message.type, "text": str(message.content)} for message in messages[0]]

    def on_llm_end(self, response, **kwargs):
        self.answer = response.generations[0][0].text


model_id, cases = json.loads(sys.argv[1])
judge = ChatBedrockConverse(model=model_id, provider="anthropic", max_tokens=64, temperature=0.0)
# What load_evaluator("labeled_score_string") makes; that function itself asks for langchain-openai even where an llm is
# given.
evaluator = LabeledScoreStringEvalChain.from_llm(judge, criteria="correctness")
for case in cases:
    heard = Heard()
    told = {}
    try:
        found = evaluator.evaluate_strings(
            prediction=case["answer"],
            reference=case["reference"],
            input=case["question"],
            callbacks=[heard],
        )
        told["score"] = found["score"]
    except ValueError as error:
        told["unread"] = str(error)
    print(json.dumps({**told, "messages": heard.messages, "answer": heard.answer}), flush=True)
