"""The finished model as the catalogue holds it: weights in bf16, tokenizer, configuration, card and loss curve."""

import hashlib
import json
import math
import tempfile
from itertools import pairwise
from pathlib import Path
from string import Template

import torch
from transformers import AutoTokenizer, GenerationConfig, LlamaForCausalLM

from nano.corpus.compose import read_corpus
from nano.corpus.documents import BOS, END, PAD
from nano.evaluate import PROBES_EACH, Measured
from nano.pretrain import HELD_OUT_KINDS, LossRecord, drilled_before, read_history
from nano.recipe import Recipe
from nano.tokenizer import SPECIAL_TOKENS, save_tokenizer

CARD = Path(__file__).with_name("model_card.md")


def export_model(
    model: LlamaForCausalLM,
    recipe: Recipe,
    *,
    work: Path,
    tokenizer_path: Path,
    output: Path,
    picture: Path,
    measured: Measured,
) -> None:
    """Writes every file of `output` and the picture; the card's figures all come from this run.

    Why      each file is renamed into place: a server that has mapped the old weights keeps them.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".nano-export-") as name:
        staging = Path(name)
        _write_model(model, recipe, staging, tokenizer_path)
        history = read_history(work / "losses.csv")
        draw_losses(history, picture)
        card = model_card(
            model, recipe, history=history, work=work, tokenizer_path=tokenizer_path, output=staging, measured=measured
        )
        (staging / "README.md").write_text(card, encoding="utf-8")
        for path in sorted(staging.iterdir()):
            path.replace(output / path.name)


def _write_model(model: LlamaForCausalLM, recipe: Recipe, folder: Path, tokenizer_path: Path) -> None:
    special = {
        name: SPECIAL_TOKENS.index(token)
        for name, token in (("bos_token_id", BOS), ("eos_token_id", END), ("pad_token_id", PAD))
    }
    model.generation_config = GenerationConfig(**special, max_new_tokens=256)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # safetensors leaves it readable by its owner alone
    config_path = folder / "config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config["rope_theta"] = recipe.shape.rope_theta  # readers older than transformers 5 look for it here
    config_path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_tokenizer(AutoTokenizer.from_pretrained(tokenizer_path), folder)


def model_card(
    model: LlamaForCausalLM,
    recipe: Recipe,
    *,
    history: list[LossRecord],
    work: Path,
    tokenizer_path: Path,
    output: Path,
    measured: Measured,
) -> str:
    weights = output / "model.safetensors"
    counts: dict[str, int] = json.loads((work / "token_counts.json").read_text(encoding="utf-8"))
    sources = json.loads((work / "prose_sources.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
    shape = recipe.shape
    drilled = drilled_before(history[-1].step, recipe)
    corpus_trained = history[-1].tokens - drilled
    return Template(CARD.read_text(encoding="utf-8")).substitute(
        parameters=f"{model.num_parameters():,}",
        shape=f"{shape.layers} layers, width {shape.d_model}, {shape.heads} heads, {shape.kv_heads} key-value heads, "
        f"feed-forward {shape.d_mlp}, vocabulary {shape.vocabulary:,}, tied, {shape.max_positions:,} positions",
        weights_size=f"{weights.stat().st_size:,}",
        weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        trained_tokens=f"{history[-1].tokens:,}",
        corpus_tokens=f"{sum(counts.values()):,}",
        corpus_trained=f"{corpus_trained:,}",
        passes=f"{corpus_trained / sum(counts.values()):.0%}",
        drilled=f"{drilled:,}",
        drillings=", ".join(
            f"from {drilling.from_tokens / 1e6:.1f} million tokens on {drilling.share:.0%} of each step"
            for drilling in recipe.drillings
        ),
        readings="\n".join(
            f"| {record.tokens / 1e6:.1f} | {record.reading:.0%} |"
            for before, record in pairwise(history)
            if record.reading != before.reading
        ),
        row_length=recipe.row_length,
        long_row_length=f"{recipe.long_row_length:,}",
        long_share=f"{recipe.long_share:.0%}",
        tokens_per_step=f"{recipe.tokens_per_step:,}",
        steps=f"{history[-1].step:,}",
        decay_share=f"{recipe.decay_share:.0%}",
        muon_lr=recipe.muon_lr,
        adamw_lr=recipe.adamw_lr,
        seed=recipe.seed,
        seconds=f"{history[-1].seconds:,.0f}",
        kinds="\n".join(
            f"| {kind} | {counts[kind]:,} | {measured.held_out_tokens[kind]:,} | {measured.held_out_nats[kind]:.3f} |"
            for kind in HELD_OUT_KINDS
        ),
        uniform_nats=f"{math.log(shape.vocabulary):.2f}",
        probes="\n".join(f"| {name} | {right} of {PROBES_EACH} |" for name, right in measured.correct.items()),
        sources="\n".join(
            f"| {source['package']} {source['version']} | {source['licence']} | {source['characters']:,} |"
            for source in sources
        ),
        documentation=f"{_characters_per_token(tokenizer, _held_out_prose(work)):.2f}",
        english=f"{_characters_per_token(tokenizer, ENGLISH_SAMPLE):.2f}",
        japanese=f"{_characters_per_token(tokenizer, JAPANESE_SAMPLE):.2f}",
    )


def draw_losses(history: list[LossRecord], picture: Path) -> None:
    """Training loss and the held-out loss of each kind over the tokens seen."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    millions = [record.tokens / 1e6 for record in history]
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    axes.plot(millions, [record.training for record in history], color="#999999", linestyle="--", label="training")
    for kind, colour in zip(HELD_OUT_KINDS, ("#1f3a5f", "#7b5ea7", "#2a9d8f", "#e07a1f", "#c1272d"), strict=True):
        axes.plot(millions, [getattr(record, kind) for record in history], color=colour, label=f"held out: {kind}")
    axes.set(xlabel="tokens seen, millions", ylabel="loss, nats per token", title="nano: pre-training")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Software": None})
    pyplot.close(figure)


def _held_out_prose(work: Path) -> str:
    return "\n".join(
        document.text for document in read_corpus(work / "held_out.jsonl") if document.source.startswith("prose/")
    )


def _characters_per_token(tokenizer, text: str) -> float:
    return len(text) / len(tokenizer.encode(text, add_special_tokens=False, verbose=False))


ENGLISH_SAMPLE = (
    "The workshop stands beside the old stone bridge, and on Fridays visitors may watch the smiths at work. "
    "Every knife is washed by hand, dried at once and rubbed with a little oil, so that the blade does not rust. "
    "If something breaks within the first years, send it back to us: we repair it without charge and return it within "
    "five working days. Most customers ask how often a blade should be sharpened; in a busy kitchen twice a year is "
    "enough, at home once."
)
"""Ours, and in no corpus: what real English costs."""
JAPANESE_SAMPLE = (
    "工房は古い石橋のそばにあり、金曜日には鍛冶の仕事を見学することができます。"
    "包丁は手で洗い、すぐに拭いて、少しの油を塗ってください。"
    "数年のうちに壊れたときは、送っていただければ無料で修理し、五営業日でお返しします。"
    "研ぎ直しの回数をよく聞かれますが、家庭なら年に一度で十分です。"
)
