"""Every number that decides what nano becomes: its shape, its data, its optimiser, its seeds.

A larger sibling is another `Recipe` here; no other module of the recipe holds a size.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The Llama architecture's sizes."""

    d_model: int
    layers: int
    heads: int
    kv_heads: int
    """Fewer than `heads`, so that grouped-query attention is rehearsed too."""
    d_mlp: int
    vocabulary: int
    """Includes the sixteen special tokens."""
    max_positions: int
    rope_theta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilling:
    """From so many tokens on, until the next `Drilling`, this share of each step is drills (`corpus/drills.py`)."""

    from_tokens: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is trained on what, and how; a step is one update of the weights."""

    name: str
    shape: Shape
    seed: int
    train_tokens: int
    """Tokens the optimiser sees; the corpus is written to hold about as many, and begins again where it holds fewer."""
    prose_share: float
    """Share of the tokens that is real documentation prose; the rest is generated conversations."""
    japanese_share: float
    """Share of the generated conversations that is in Japanese."""
    drillings: tuple[Drilling, ...]
    """In rising order; before the first there are no drills."""
    held_out_tokens: int
    """Tokens kept aside for measuring, at most, for each kind of document."""
    row_length: int
    long_row_length: int
    """Length of the rows in the last `long_share` of the steps, so that every position of the context is practised."""
    long_share: float
    tokens_per_step: int
    tokens_per_forward: int
    """Tokens in one forward pass; gradients are summed over the step. Bounds the memory of the logits."""
    muon_lr: float
    adamw_lr: float
    weight_decay: float
    warmup_share: float
    decay_share: float
    """Last part of the steps, over which both learning rates fall to zero, by one minus the root of the part gone."""
    reading_questions: int
    """Asked about unseen passages now and then."""
    gate_questions: int
    """Asked at the gate: of 60, who reads 62 % gets fewer than 60 % right one time in three."""
    gate_tokens: int
    """Where the run is stopped if it reads worse than `gate_reading`: then the data is to be changed, not the claim."""
    gate_reading: float
    """Least share of right answers about unseen passages at `gate_tokens`. Before there were drills it was 0.38; of
    two runs on two processors, that which was asked enough questions had 0.54."""


NANO = Recipe(
    name="nano",
    shape=Shape(
        d_model=256,
        layers=8,
        heads=4,
        kv_heads=2,
        d_mlp=768,
        vocabulary=8192,
        max_positions=1024,
        rope_theta=10_000.0,
    ),
    seed=20_240_601,
    train_tokens=60_000_000,
    prose_share=0.5,
    japanese_share=0.25,
    drillings=(Drilling(from_tokens=21_299_200, share=0.5), Drilling(from_tokens=29_491_200, share=0.25)),
    held_out_tokens=65_536,
    row_length=512,
    long_row_length=1024,
    long_share=0.1,
    tokens_per_step=8192,
    tokens_per_forward=4096,
    muon_lr=0.02,
    adamw_lr=0.004,
    weight_decay=0.05,
    warmup_share=0.02,
    decay_share=0.645,
    reading_questions=60,
    gate_questions=300,
    gate_tokens=33_000_000,
    gate_reading=0.5,
)
