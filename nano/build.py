"""`python -m nano.build`: corpus, tokenizer, tokens, pre-training, export; a stage whose output is there is skipped.

Work files stay in build/nano (the corpus is never committed); the model goes to src/tanren/catalog/nano. Delete
build/nano to begin again. Everything that decides the result is in `nano.recipe`.
"""

import argparse
import dataclasses
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from transformers import AutoTokenizer

from nano.corpus.compose import read_corpus, write_corpus
from nano.corpus.drills import drills, read_material
from nano.corpus.packages import install_packages
from nano.evaluate import evaluate, reading_comprehension
from nano.export import export_model
from nano.pretrain import HELD_OUT_KINDS, drilled_before, pretrain
from nano.recipe import NANO, Recipe
from nano.tokenizer import encode_documents, save_tokenizer, train_tokenizer

REPOSITORY = Path(__file__).resolve().parents[1]
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m nano.build", description="Makes the embedded base model from its recipe."
    )
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "build" / "nano", help="work files (default: build/nano)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=REPOSITORY / "src" / "tanren" / "catalog" / "nano",
        help="where the model is written",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        default=REPOSITORY / "docs" / "images" / "nano-loss.png",
        help="where the loss curve is drawn",
    )
    parser.add_argument(
        "--tokens", type=int, default=NANO.train_tokens, help="training tokens, for a rehearsal with fewer"
    )
    parser.add_argument("--threads", type=int, default=2, help="processor threads for torch")
    parser.add_argument("--eager", action="store_true", help="do not compile (no C++ compiler on this machine)")
    parser.add_argument("--device", default="cpu", help="where to train: cpu, or cuda (minutes instead of hours)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    build(
        dataclasses.replace(NANO, train_tokens=options.tokens),
        work=options.work,
        output=options.output,
        picture=options.picture,
        is_compiled=not options.eager,
        device=options.device,
    )


def build(recipe: Recipe, *, work: Path, output: Path, picture: Path, is_compiled: bool, device: str) -> None:
    """The recipe from beginning to end."""
    work.mkdir(parents=True, exist_ok=True)
    sizes_path, tokenizer_path, counts_path = (
        work / "prose_sources.json",
        work / "tokenizer",
        work / "token_counts.json",
    )
    if not sizes_path.exists():
        logger.info("corpus: fetching packages")
        install_packages(work / "packages")
        logger.info("corpus: reading documentation, generating conversations")
        sizes = write_corpus(recipe, work, work / "packages")
        sizes_path.write_text(json.dumps([dataclasses.asdict(size) for size in sizes], indent=1), encoding="utf-8")
    if not tokenizer_path.exists():
        logger.info("tokenizer")
        save_tokenizer(train_tokenizer(read_corpus(work / "train.jsonl"), recipe.shape), tokenizer_path)
    if not counts_path.exists():
        logger.info("tokens")
        counts_path.write_text(json.dumps(_write_tokens(recipe, work, tokenizer_path), indent=1), encoding="utf-8")
    if not (work / "drills.npy").exists():
        logger.info("drills")
        _write_drills(recipe, work, tokenizer_path)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
    model = pretrain(
        recipe,
        work,
        work,
        reading=lambda model, count: reading_comprehension(model, tokenizer, recipe, count=count),
        is_compiled=is_compiled,
        device=device,
    )
    measured = evaluate(model, recipe, work, tokenizer_path)
    export_model(
        model, recipe, work=work, tokenizer_path=tokenizer_path, output=output, picture=picture, measured=measured
    )
    logger.info("nano is in %s", output)


def _write_tokens(recipe: Recipe, work: Path, tokenizer_path: Path) -> dict[str, int]:
    """Writes train.npy and one array of held-out tokens a kind (uint16); returns the training tokens of each kind."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
    counts = dict.fromkeys(HELD_OUT_KINDS, 0)
    train: list[np.ndarray] = []
    for source, ids in encode_documents(tokenizer, read_corpus(work / "train.jsonl")):
        counts[source.split("/")[0]] += len(ids)
        train.append(np.array(ids, dtype=np.uint16))
    np.save(work / "train.npy", np.concatenate(train))
    held_out: dict[str, list[np.ndarray]] = {kind: [] for kind in HELD_OUT_KINDS}
    for source, ids in encode_documents(tokenizer, read_corpus(work / "held_out.jsonl")):
        held_out[source.split("/")[0]].append(np.array(ids, dtype=np.uint16))
    for kind, parts in held_out.items():
        np.save(work / f"held_out_{kind}.npy", np.concatenate(parts)[: recipe.held_out_tokens])
    return counts


def _write_drills(recipe: Recipe, work: Path, tokenizer_path: Path) -> None:
    """Writes drills.npy (uint16): as many tokens as the recipe's steps will take, and the target of the last one."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
    wanted = drilled_before(recipe.train_tokens // recipe.tokens_per_step, recipe) + recipe.tokens_per_step + 1
    documents = drills(read_material(read_corpus(work / "train.jsonl")), Random(f"{recipe.seed}/drills"))
    written: list[np.ndarray] = []
    for _, ids in encode_documents(tokenizer, documents):
        written.append(np.array(ids, dtype=np.uint16))
        wanted -= len(ids)
        if wanted <= 0:
            break
    np.save(work / "drills.npy", np.concatenate(written))


if __name__ == "__main__":
    main()
