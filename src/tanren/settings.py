"""Settings: the only reader of the environment. Read once by a composition root, then passed as values.

Every field has a default, a help line and a check; an error names variable, value and what is allowed.
A flag of `tanren serve` wins over the environment variable, which wins over `settings.toml` in the data directory,
which wins over the default.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from tanren.domain.errors import ValidationFailed
from tanren.domain.quotas import Quotas
from tanren.domain.scope import ACCOUNT_ID, REGION

PREFIX = "TANREN_"
QUOTA_PREFIX: Final = "quota_"
SETTINGS_FILE: Final = "settings.toml"
"""In the data directory: settings by their names, for what a machine keeps from start to start."""
_DEFAULT_DATA_DIR: Final = Path(".tanren")
SHORTEST_IDLE_SECONDS = 20.0
"""Twice as long as the use of an engine host may go without a note in the store."""

IAM_MODES = ("enforce", "audit", "off")
TLS_MODES = ("off", "local", "files")
ENGINES = ("auto", "native", "vllm", "torch", "reference")
VLLM_DTYPES = ("auto", "bfloat16", "float16", "float32")
VLLM_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)

TRAINING_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def _setting(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = _setting("127.0.0.1", "Address that the gateway listens on.")
    port: int = _setting(4500, "Port of the gateway: the one endpoint of every service.")
    data_dir: Path = _setting(
        _DEFAULT_DATA_DIR, "Directory of everything that must survive: database, objects, models."
    )
    tls: str = _setting(
        "off",
        "How the gateway is spoken to: `off`: HTTP; `local`: HTTPS with a certificate of tanren's own authority, see "
        "`tanren tls`; `files`: HTTPS with tls_certificate and tls_key.",
    )
    tls_names: str = _setting(
        "", "Further names and addresses of this server, with commas between: its certificate has them, URLs the first."
    )
    tls_certificate: str = _setting("", "PEM file with the server's certificate and those between it and its root.")
    tls_key: str = _setting("", "PEM file with the certificate's key, without a password.")
    region: str = _setting("us-east-1", "Region printed by `tanren env`; any other is served as well.")
    account: str = _setting("123456789012", "Account id of the root keys: twelve digits.")
    access_key: str = _setting("", "Root access key; empty makes a random one at the first start.")
    secret_key: str = _setting("", "Root secret key; goes with the access key.")
    iam: str = _setting(
        "enforce",
        "Whether policies decide what users and roles may do: `enforce`; `audit`: what would be refused is let through "
        "and logged; `off`: whoever has keys may do everything. Root may do everything in any case.",
    )
    database_url: str = _setting("", "SQLAlchemy URL; empty means SQLite in the data directory.")
    aws_endpoint: str = _setting(
        "",
        "Endpoint of S3 and its neighbours instead of the embedded one: real AWS (`aws`) or the URL of any S3. boto3's "
        "chain of credentials is asked for keys once, at the start: temporary keys (SSO, an assumed role) stop working "
        "when they expire, and the server must then be started again.",
    )
    invocation_log_megabytes: int = _setting(
        1000,
        "Room for the logs of one account's model invocations while its bucket or log group does not take them; past "
        "it, the account's invocations are answered 503.",
    )
    embedded_endpoint: str = _setting("", "Where the embedded S3 listens; the supervisor sets it for its children.")
    console: str = _setting("on", "Whether `tanren serve` has the console at /console: `on` or `off`.")
    console_api: str = _setting(
        "", "API that the console speaks: `aws`, or the URL of any Bedrock endpoint; empty is this server's own."
    )
    console_endpoint: str = _setting(
        "", "Where the console's process listens; the supervisor sets it for its children."
    )
    lease_seconds: float = _setting(30.0, "A worker that has not renewed its lease for this long loses its job.")
    job_slots: int = _setting(1, "Jobs that the worker runs at the same time.")
    ready_children: int = _setting(
        1,
        "Job slots for which a training process stands ready with its libraries loaded, so that a job begins four "
        "seconds sooner; each takes about 350 MB of memory. 0 keeps none, and has the first file that is looked at in "
        "the console wait for a second, as the process that looks at them (180 MB) is then started by the first.",
    )
    worker_threads: int = _setting(0, "Threads of a training process; 0 takes all cores.")
    training_device: str = _setting(
        "auto",
        "Where jobs train: `cpu`, `cuda`, `cuda:1`, or `auto`: the first CUDA device, else the processor. The job's "
        "events and its run.json say which it was.",
    )
    checkpoint_seconds: float = _setting(30.0, "Longest time between two checkpoints of a training run.")
    token_cache_gigabytes: float = _setting(
        20.0,
        "Room for data sets as tokens, which later jobs on the same data take up; 0 keeps none beyond its job.",
    )
    batch_slots: int = _setting(
        1,
        "Batch inference jobs that the worker runs at the same time, beside jobs of other kinds. Those on one base "
        "give way to each other as to online requests, so more of them are for several bases.",
    )
    batch_concurrency: int = _setting(64, "Most records of one batch job that are put to its model at the same time.")
    batch_engine_share: float = _setting(
        0.75,
        "Share of an engine's places that a batch job takes while nobody else asks; the first online requests find the "
        "rest free. 1 takes them all.",
    )
    batch_minimum_records: int = _setting(
        1, "A batch job with fewer records fails. AWS's quota is 100, below which tanren only leaves an event."
    )
    quota_customization_jobs: int = _setting(
        0, "Customization jobs that an account may have under way in a region; 0: any number, as for every quota."
    )
    quota_custom_models: int = _setting(
        0, "Custom models that an account may have in a region; those that its jobs under way will make are counted."
    )
    quota_imported_models: int = _setting(
        0, "Imported models that an account may have in a region, counted in the same way; AWS's quota is 3."
    )
    quota_model_units: int = _setting(
        0, "Model units that the provisioned throughputs of an account may have together in a region."
    )
    quota_custom_model_deployments: int = _setting(0, "Custom model deployments that an account may have in a region.")
    quota_batch_jobs: int = _setting(
        0, "Batch inference jobs that an account may have waiting or under way in a region."
    )
    quota_evaluation_jobs: int = _setting(0, "Evaluation jobs that an account may have under way in a region.")
    engine: str = _setting(
        "auto",
        "What answers: `native` (compiled, needs the library that the installation builds), `vllm` (needs a CUDA GPU "
        "and vLLM, see docs/engines.md), `torch`, `reference` (slow), or `auto`: vllm where both are there, else "
        "native where it knows the base model, else reference, which the log and `describe` say.",
    )
    engine_max_active: int = _setting(32, "Answers that one base model makes side by side.")
    engine_max_adapters: int = _setting(
        64,
        "Custom models that one base keeps in memory; one more makes the one unused for longest go, which a later "
        "request loads again in about a tenth of a second.",
    )
    engine_key_value_megabytes: int = _setting(
        0, "Memory of one base model for keys and values; 0 takes a quarter of what is free, 4096 at most."
    )
    engine_wait_seconds: float = _setting(
        30.0, "A request waits this long for an engine that is being loaded; then it is told to come back (429)."
    )
    engine_idle_seconds: float = _setting(
        900.0,
        "A base model that nobody has asked for so long leaves the memory, unless provisioned throughput holds it; the "
        "next request loads it again. 0 keeps all that were ever asked for.",
    )
    vllm_command: str = _setting(
        "", "vLLM's executable, in an environment of its own; empty looks beside our Python and on the search path."
    )
    vllm_dtype: str = _setting(
        "auto",
        "What vLLM computes in: `bfloat16`, `float16`, `float32`, or `auto`: as the weights are stored, but bfloat16 "
        "for float32.",
    )
    vllm_gpu_share: float = _setting(0.9, "Share of the GPU's memory that vLLM takes for one base model.")
    vllm_max_lora_rank: int = _setting(64, "Highest rank of an adapter that vLLM serves; memory is set aside for it.")
    vllm_batched_adapters: int = _setting(8, "Different adapters in one batch of vLLM; further ones wait.")
    vllm_context_length: int = _setting(
        0, "Tokens that prompt and answer may have together in vLLM; 0 takes as many as the model knows."
    )
    vllm_check_gigabytes: float = _setting(
        4.0,
        "A base whose weights take no more is also kept in the processor's memory, where what each of its adapters "
        "must change in vLLM's answers is computed; for a larger one that must be known from training. 0: none.",
    )
    vllm_start_seconds: float = _setting(
        600.0, "A vLLM server that does not answer for so long after its start is ended."
    )

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise _refused("port", self.port, "1 to 65535")
        if ACCOUNT_ID.fullmatch(self.account) is None:
            raise _refused("account", self.account, "twelve digits")
        if REGION.fullmatch(self.region) is None:
            raise _refused("region", self.region, "a region name such as us-east-1")
        if bool(self.access_key) != bool(self.secret_key):
            raise ValidationFailed("access_key and secret_key go together; give both or neither.")
        if self.tls not in TLS_MODES:
            raise _refused("tls", self.tls, f"one of {', '.join(TLS_MODES)}")
        files = (self.tls_certificate, self.tls_key)
        if not all(files) if self.tls == "files" else any(files):
            raise ValidationFailed("tls=files, tls_certificate and tls_key go together; give all three or none.")
        if self.tls_names and self.tls == "off":
            raise ValidationFailed("tls_names are names in a certificate; there is none with tls=off.")
        if self.iam not in IAM_MODES:
            raise _refused("iam", self.iam, f"one of {', '.join(IAM_MODES)}")
        if self.aws_endpoint not in ("", "aws") and not self.aws_endpoint.startswith(("http://", "https://")):
            raise _refused("aws_endpoint", self.aws_endpoint, "aws, or a URL that begins with http:// or https://")
        if self.console not in ("on", "off"):
            raise _refused("console", self.console, "on or off")
        if self.console_api not in ("", "aws") and not self.console_api.startswith(("http://", "https://")):
            raise _refused("console_api", self.console_api, "aws, or a URL that begins with http:// or https://")
        if self.invocation_log_megabytes < 1:
            raise _refused("invocation_log_megabytes", self.invocation_log_megabytes, "1 or more")
        if self.lease_seconds < 1:
            raise _refused("lease_seconds", self.lease_seconds, "1 or more")
        if self.job_slots < 1:
            raise _refused("job_slots", self.job_slots, "1 or more")
        if not 0 <= self.ready_children <= self.job_slots:
            raise _refused("ready_children", self.ready_children, f"0 to job_slots, which is {self.job_slots}")
        if self.worker_threads < 0:
            raise _refused("worker_threads", self.worker_threads, "0 or more")
        if TRAINING_DEVICE.fullmatch(self.training_device) is None:
            raise _refused("training_device", self.training_device, "auto, cpu, cuda, or cuda: and a number")
        if self.checkpoint_seconds <= 0:
            raise _refused("checkpoint_seconds", self.checkpoint_seconds, "more than 0")
        if not 0 <= self.token_cache_gigabytes < float("inf"):
            raise _refused("token_cache_gigabytes", self.token_cache_gigabytes, "0 or more")
        if self.engine not in ENGINES:
            raise _refused("engine", self.engine, f"one of {', '.join(ENGINES)}")
        if self.engine_max_active < 1:
            raise _refused("engine_max_active", self.engine_max_active, "1 or more")
        if self.engine_max_adapters < 1:
            raise _refused("engine_max_adapters", self.engine_max_adapters, "1 or more")
        if self.engine_key_value_megabytes < 0:
            raise _refused("engine_key_value_megabytes", self.engine_key_value_megabytes, "0 or more")
        if not 0 <= self.engine_wait_seconds <= 600:
            raise _refused("engine_wait_seconds", self.engine_wait_seconds, "0 to 600")
        if self.engine_idle_seconds != 0 and not SHORTEST_IDLE_SECONDS <= self.engine_idle_seconds < float("inf"):
            raise _refused("engine_idle_seconds", self.engine_idle_seconds, f"0, or {SHORTEST_IDLE_SECONDS:g} or more")
        if self.vllm_dtype not in VLLM_DTYPES:
            raise _refused("vllm_dtype", self.vllm_dtype, f"one of {', '.join(VLLM_DTYPES)}")
        if not 0 < self.vllm_gpu_share <= 1:
            raise _refused("vllm_gpu_share", self.vllm_gpu_share, "more than 0, at most 1")
        if self.vllm_max_lora_rank not in VLLM_LORA_RANKS:
            raise _refused(
                "vllm_max_lora_rank", self.vllm_max_lora_rank, f"one of {', '.join(map(str, VLLM_LORA_RANKS))}"
            )
        if self.vllm_batched_adapters < 1:
            raise _refused("vllm_batched_adapters", self.vllm_batched_adapters, "1 or more")
        if self.vllm_context_length < 0:
            raise _refused("vllm_context_length", self.vllm_context_length, "0 or more")
        if not 0 <= self.vllm_check_gigabytes < float("inf"):
            raise _refused("vllm_check_gigabytes", self.vllm_check_gigabytes, "0 or more")
        if not 0 < self.vllm_start_seconds < float("inf"):
            raise _refused("vllm_start_seconds", self.vllm_start_seconds, "more than 0")
        for spec in fields(self):
            if spec.name.startswith(QUOTA_PREFIX) and getattr(self, spec.name) < 0:
                raise _refused(spec.name, getattr(self, spec.name), "0 or more")
        for name in ("batch_slots", "batch_concurrency", "batch_minimum_records"):
            if getattr(self, name) < 1:
                raise _refused(name, getattr(self, name), "1 or more")
        if not 0 < self.batch_engine_share <= 1:
            raise _refused("batch_engine_share", self.batch_engine_share, "more than 0, at most 1")

    @property
    def scheme(self) -> str:
        """Of the gateway's URLs."""
        return "http" if self.tls == "off" else "https"

    @property
    def more_tls_names(self) -> tuple[str, ...]:
        return tuple(name.strip().lower() for name in self.tls_names.split(",") if name.strip())

    @property
    def quotas(self) -> Quotas:
        names = (spec.name for spec in fields(Quotas))
        return Quotas(**{name: getattr(self, QUOTA_PREFIX + name) for name in names})

    @property
    def effective_database_url(self) -> str:
        """The one that was given, or that of the file in the data directory.

        Why      quoted, since SQLAlchemy 2.1 reads the part after `sqlite:///` percent-encoded; a `?` in the path
                 would otherwise begin the query.
        """
        return self.database_url or f"sqlite:///{quote(str(self.data_dir.absolute() / 'tanren.db'))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedSetting:
    name: str
    value: Any
    source: Literal["flag", "environment", "file", "default"]
    place: str
    """The flag, the variable or the file that has it; empty for a default."""
    help_line: str


def read_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Settings by the flags that are not None, else by `TANREN_*` variables, else by `settings.toml` in the data
    directory, else by default.

    Raises   ValidationFailed, with variable or file, value and what is allowed.
    """
    given = _given(os.environ if environ is None else environ, flags)
    settings = Settings(**{name: value for name, (value, _, _) in given.items()})
    return replace(settings, data_dir=settings.data_dir.expanduser().absolute())


def explain_settings(environ: Mapping[str, str] | None = None, **flags: Any) -> list[ExplainedSetting]:
    """Every setting, in the order of the fields, with where its value came from."""
    given = _given(os.environ if environ is None else environ, flags)
    settings = read_settings(environ, **flags)
    return [
        ExplainedSetting(
            name=spec.name,
            value=getattr(settings, spec.name),
            source=given[spec.name][1] if spec.name in given else "default",
            place=given[spec.name][2] if spec.name in given else "",
            help_line=spec.metadata["help"],
        )
        for spec in fields(Settings)
    ]


def read_language(environ: Mapping[str, str] | None = None) -> str:
    """In which language the command line speaks, by the locale: `ja`, or `en` for every other.

    Source   POSIX, 8.2: LC_ALL before LC_MESSAGES before LANG; an empty one counts as unset.
    """
    source = os.environ if environ is None else environ
    locale = next((text for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (text := source.get(name))), "")
    return "ja" if locale.partition("_")[0].partition(".")[0].lower() == "ja" else "en"


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process read equal settings."""
    return {PREFIX + spec.name.upper(): str(getattr(settings, spec.name)) for spec in fields(Settings)}


_Given = tuple[Any, Literal["flag", "environment", "file"], str]
"""A value, from what kind of place, and the place."""


def _given(environ: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, _Given]:
    """What is not left at its default, by name.

    Why      the file is read only where something is left to it: a child process has every setting in its environment,
             and a file that is changed meanwhile must not reach it.
    """
    given: dict[str, _Given] = {}
    for spec in fields(Settings):
        variable = PREFIX + spec.name.upper()
        if flags.get(spec.name) is not None:
            given[spec.name] = (flags[spec.name], "flag", f"--{spec.name.replace('_', '-')}")
        elif (text := environ.get(variable)) is not None:
            given[spec.name] = (_read(spec.name, text, type(spec.default)), "environment", variable)
    unknown = flags.keys() - {spec.name for spec in fields(Settings)}
    assert not unknown, f"no settings: {unknown}"
    if len(given) == len(fields(Settings)):
        return given
    data_dir = Path(given["data_dir"][0]) if "data_dir" in given else _DEFAULT_DATA_DIR
    file = data_dir.expanduser() / SETTINGS_FILE
    return {**{name: (value, "file", str(file)) for name, value in _from_file(file).items()}, **given}


def _from_file(file: Path) -> dict[str, Any]:
    """Raises   ValidationFailed for what is no setting, or of another type."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValidationFailed(f"{file} cannot be read: {error}") from error
    kinds: dict[str, type[Any]] = {spec.name: type(spec.default) for spec in fields(Settings)}
    del kinds["data_dir"]  # the file lies there
    for name, value in found.items():
        if name not in kinds:
            raise ValidationFailed(f"{file}: '{name}' is no setting that it can have; they are {', '.join(kinds)}.")
        allowed = (int, float) if kinds[name] is float else (kinds[name],)
        if type(value) not in allowed:
            raise ValidationFailed(f"{file}: {name} is {value!r}; allowed: a value of type {kinds[name].__name__}.")
        found[name] = kinds[name](value)
    return found


def _read(name: str, text: str, kind: type[Any]) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise _refused(name, text, f"a value of type {kind.__name__}") from error


def _refused(name: str, value: object, allowed: str) -> ValidationFailed:
    return ValidationFailed(f"setting {name} ({PREFIX}{name.upper()}) is {value!r}; allowed: {allowed}.")
