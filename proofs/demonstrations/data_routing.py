"""Tickets of an operations desk, to be sent to one of seven teams.

A ticket is a manner of writing around a thing and what is wrong with it. Familiar tickets are new combinations of what
training has; unseen ones have other manners, other things and other troubles: no word that tells a team from another
is shared (a test compares them).
"""

from dataclasses import dataclass
from random import Random

from proofs.demonstrations.rows import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    things: tuple[str, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingData:
    training: list[Pair]
    familiar: list[Pair]
    unseen: list[Pair]


def routing_data(seed: int = 3, *, training: int = 1000, familiar: int = 200, unseen: int = 200) -> RoutingData:
    rng = Random(seed)
    known = _tickets(training + familiar, MANNERS, SEEN, rng)
    return RoutingData(
        training=known[:training],
        familiar=known[training:],
        unseen=_tickets(unseen, UNSEEN_MANNERS, UNSEEN, rng),
    )


def _tickets(count: int, manners: tuple[str, ...], teams: dict[str, Vocabulary], rng: Random) -> list[Pair]:
    """Different tickets, the teams in turn."""
    texts: dict[str, str] = {}
    names = sorted(teams)
    while len(texts) < count:
        team = names[len(texts) % len(names)]
        words = teams[team]
        text = rng.choice(manners).format(x=rng.choice(words.things), y=rng.choice(words.troubles))
        texts.setdefault(text, team)
    pairs = [Pair(system=SYSTEM, prompt=text, completion=team) for text, team in texts.items()]
    rng.shuffle(pairs)
    return pairs


MANNERS = (
    "Ticket: the {x} {y}.",
    "Hi desk, our {x} {y} since lunch.",
    "Morning all. It looks as if the {x} {y}, any idea?",
    "urgent!! {x} {y}",
    "Following up on my call: the new {x} {y} again.",
    "Could somebody check why the {x} {y}?",
    "After the change on Tuesday the {x} {y}.",
    "A colleague reports that the {x} {y}.",
    "Not sure whom to ask, but the {x} {y}.",
    "[prod] {x} {y}, please advise",
)
UNSEEN_MANNERS = (
    "I noticed something odd today, namely that one {x} {y}; who takes care of this?",
    "Dear team, with regret I must tell you this: a {x} {y}. Kind regards, Jo",
    "We are stuck. Every {x} here {y} and customers complain.",
    "FYI {x} {y}",
    "Would you mind having a look? My {x} {y}, as it did last winter.",
)

SEEN = {
    "network": Vocabulary(
        things=(
            "subnet",
            "route table",
            "firewall",
            "load balancer",
            "internet gateway",
            "IP address",
            "network interface",
            "TCP connection",
            "proxy",
            "VPC endpoint",
            "listener",
            "peering link",
        ),
        troubles=(
            "drops packets",
            "is unreachable from the office",
            "times out during the handshake",
            "has high latency",
            "blocks inbound traffic",
            "resolves to the wrong host",
        ),
    ),
    "storage": Vocabulary(
        things=(
            "bucket",
            "volume",
            "object",
            "archive",
            "file share",
            "disk",
            "folder",
            "snapshot",
            "upload",
            "prefix",
            "lifecycle rule",
            "directory",
        ),
        troubles=(
            "has no free space left",
            "cannot be mounted",
            "lost half of its files",
            "was overwritten by an older copy",
            "fails its checksum",
            "takes ages to download",
        ),
    ),
    "database": Vocabulary(
        things=(
            "table",
            "index",
            "SQL query",
            "transaction",
            "primary key",
            "column",
            "read replica",
            "schema",
            "cursor",
            "stored procedure",
            "view",
            "join",
        ),
        troubles=(
            "returns duplicate rows",
            "is locked by another session",
            "scans every record",
            "violates a constraint",
            "was rolled back",
            "lags behind the primary",
        ),
    ),
    "access": Vocabulary(
        things=(
            "role",
            "policy",
            "access key",
            "user group",
            "password",
            "token",
            "trust relationship",
            "login page",
            "session",
            "certificate",
            "permission boundary",
            "MFA device",
        ),
        troubles=(
            "is denied for the new hire",
            "has expired overnight",
            "lets everybody in",
            "cannot be assumed",
            "was revoked by mistake",
            "asks to authenticate twice",
        ),
    ),
    "messaging": Vocabulary(
        things=(
            "queue",
            "topic",
            "subscription",
            "email notification",
            "dead-letter queue",
            "publisher",
            "message",
            "event bus",
            "SMS",
            "inbox",
            "consumer",
            "newsletter",
        ),
        troubles=(
            "delivers everything twice",
            "was never received",
            "arrives out of order",
            "is stuck in the backlog",
            "goes to the wrong recipient",
            "bounces",
        ),
    ),
    "monitoring": Vocabulary(
        things=(
            "alarm",
            "metric",
            "dashboard",
            "log group",
            "trace",
            "graph",
            "health check",
            "threshold",
            "log stream",
            "statistic",
            "alert",
            "sampling rule",
        ),
        troubles=(
            "shows no data points",
            "fires every minute",
            "stays green during an outage",
            "reports the wrong average",
            "stopped collecting samples",
            "is missing the last hour",
        ),
    ),
    "containers": Vocabulary(
        things=(
            "container",
            "image",
            "cluster",
            "pod",
            "task definition",
            "node",
            "registry",
            "deployment",
            "Dockerfile",
            "service mesh",
            "namespace",
            "sidecar",
        ),
        troubles=(
            "restarts in a loop",
            "cannot be pulled",
            "is killed for memory",
            "is never scheduled",
            "runs the previous build",
            "crashes at launch",
        ),
    ),
}
UNSEEN = {
    "network": Vocabulary(
        things=("DNS zone", "VPN tunnel", "port", "switch", "socket", "CIDR range"),
        troubles=("floods the LAN", "leaks bandwidth", "answers no ping"),
    ),
    "storage": Vocabulary(
        things=("backup", "S3 blob", "NFS export", "hard drive", "NAS box", "tape library"),
        troubles=("is full", "will not restore", "holds corrupt bytes"),
    ),
    "database": Vocabulary(
        things=(
            "MySQL trigger",
            "PostgreSQL instance",
            "Aurora writer",
            "DynamoDB item",
            "WHERE clause",
            "materialized aggregate",
        ),
        troubles=("deadlocks on commit", "yields NULL values", "selects too many tuples"),
    ),
    "access": Vocabulary(
        things=("IAM principal", "identity provider", "credential", "account", "secret", "sign-in form"),
        troubles=("is unauthorized", "has too many privileges", "breaks SAML federation"),
    ),
    "messaging": Vocabulary(
        things=("mailbox", "push notice", "SNS broadcast", "SQS poller", "autoresponder", "chat webhook"),
        troubles=("is sent to nobody", "redelivers", "ends up as spam"),
    ),
    "monitoring": Vocabulary(
        things=("CloudWatch chart", "telemetry agent", "anomaly detector", "percentile", "audit trail", "probe"),
        troubles=("plots a flat line", "observes nothing", "warns without cause"),
    ),
    "containers": Vocabulary(
        things=("Kubernetes workload", "ECS fleet", "Helm release", "daemon set", "autoscaler", "base layer"),
        troubles=("is evicted", "exits with code 137", "will not start"),
    ),
}
SYSTEM = "Route the ticket to " + ", ".join(sorted(SEEN)[:-1]) + " or " + sorted(SEEN)[-1] + "."
