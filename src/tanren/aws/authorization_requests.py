"""What a request is about, read off its parameters: resources, condition keys, and what a rule of the table can say.

Where several spellings mean one resource (a name, an ARN of another partition), the one ARN is judged; where a name
means several resources, all are. A denial shows a name as it was given, and a name that nothing has is judged as an ARN
of that name: so it tells nobody what there is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

from tanren.aws.context import Members
from tanren.domain import arns
from tanren.domain.invocation_logging import S3Destination
from tanren.domain.scope import Scope

USER: Final = "user"
ROLE: Final = "role"

_INVOCABLE: Final = (
    arns.CUSTOM_MODEL,
    arns.CUSTOM_MODEL_DEPLOYMENT,
    arns.PROVISIONED_MODEL,
    arns.IMPORTED_MODEL,
)
"""What a bare name without a dot may mean; one that nothing has is judged as the first."""


class ResourceFacts(Protocol):
    """What is known of resources. May be called from any thread."""

    def arns_of(self, scope: Scope, kind: str, name: str) -> Sequence[str]:
        """Of the resources that this name may mean; none where there is none. IAM's kinds are `user` and `role`."""
        ...

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """None of them where there is no such resource."""
        ...

    def boundary_of(self, arn: str) -> str | None:
        """ARN of the permissions boundary of a user or role."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request, as far as it says what it is about."""

    scope: Scope
    caller_arn: str
    params: Members
    facts: ResourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One that a request is about."""

    arn: str
    shown_as: str | None = None
    """What a denial says in its place, where the request gave a name: the ARN would tell that the name is taken."""


ResourcesOf = Callable[[Asking], Iterable[Resource]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    action: str
    resources: tuple[ResourcesOf, ...] = ()
    """Empty: the action is about no single resource, and only `*` covers it."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Member with tags → kind of the new resource that gets them; empty for the resource itself."""
    role: str | None = None
    """Member with the role that the service is to act as: takes iam:PassRole."""
    acts_for: str = ""
    """Kind of what it acts as that role for: `aws:SourceArn` in the role's trust policy."""
    tagging: str = ""
    """The action that tags given at creation take besides, on the same resources."""
    keys: tuple[Callable[[Asking], Mapping[str, str]], ...] = ()
    """Condition keys of this operation."""
    reads: Callable[[Asking], Iterable[str]] | None = None
    """ARNs of objects that the service reads for the caller and as the caller: takes s3:GetObject. One that ends in
    `/*` is everything in that folder."""
    writes: Callable[[Asking], Iterable[str]] | None = None
    """As `reads`, of what it writes: takes s3:PutObject."""

    def resources_of(self, asking: Asking) -> list[Resource]:
        return [resource for resources in self.resources for resource in resources(asking)]


def member_at(params: Members, path: str) -> Any:
    """The member at a path such as `loggingConfig.s3Config`; None where it is not given."""
    value: Any = params
    for name in path.split("."):
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value


def named(member: str, *kinds: str) -> ResourcesOf:
    """The resource of these kinds that a member names, by ARN or by its name; several if the member is a list."""

    def resources(asking: Asking) -> Iterable[Resource]:
        value = member_at(asking.params, member)
        identifiers = cast("list[Any]", value) if isinstance(value, list) else [value]
        return [resource for each in identifiers if each for resource in _meant(asking, str(each), kinds)]

    return resources


def model(member: str) -> ResourcesOf:
    """The model that a member names: any ARN, the id of a foundation model, of an inference profile, or a name."""

    def resources(asking: Asking) -> Iterable[Resource]:
        identifier = member_at(asking.params, member)
        return [] if not identifier else _models(asking, str(identifier))

    return resources


def fresh(kind: str) -> ResourcesOf:
    """A resource that the request makes; its id is not known yet."""
    return lambda asking: [Resource(arn=arns.bedrock_arn(asking.scope, kind, "*"))]


def _meant(asking: Asking, identifier: str, kinds: Sequence[str]) -> list[Resource]:
    """What an ARN or a name of one of these kinds means: of a name that several have, all of them."""
    parsed = arns.parse_arn(identifier)
    if parsed is None:
        return _with_name(asking, identifier, kinds)
    if parsed.kind == arns.CUSTOM_MODEL and "/" not in parsed.path and parsed.is_in(asking.scope):
        return _with_name(asking, parsed.path, (arns.CUSTOM_MODEL,))
    return [Resource(arn=arn) for arn in _canonical(asking.scope, parsed)]


def _with_name(asking: Asking, name: str, kinds: Sequence[str]) -> list[Resource]:
    as_named = arns.bedrock_arn(asking.scope, kinds[0], name)
    known = [arn for kind in kinds for arn in asking.facts.arns_of(asking.scope, kind, name)]
    return [Resource(arn=arn, shown_as=as_named) for arn in known] or [Resource(arn=as_named)]


def _canonical(scope: Scope, arn: arns.Arn) -> list[str]:
    """One spelling of what several ARNs mean: handlers read no partition, and of a foundation model no region."""
    if arn.kind == arns.FOUNDATION_MODEL:
        return [arns.foundation_model_arn(scope.region, arn.path)]
    rest = f"{arn.kind}/{arn.path}" if arn.path else arn.kind
    canonical = f"arn:aws:{arn.service}:{arn.region}:{arn.account_id}:{rest}"
    if arn.kind != arns.INFERENCE_PROFILE:
        return [canonical]
    # As on AWS, a profile and the model behind it; nothing is routed to another region.
    return [canonical, arns.foundation_model_arn(scope.region, arn.path.partition(".")[2])]


def _models(asking: Asking, identifier: str) -> list[Resource]:
    if arns.parse_arn(identifier) is not None or "." not in identifier:
        return _meant(asking, identifier, _INVOCABLE)
    # Ids of foundation models have one dot; a profile's has its group of regions before: us.amazon.nova-lite-v1:0.
    is_profile = "." in identifier.partition(".")[2].partition(":")[0]
    kind = arns.INFERENCE_PROFILE if is_profile else arns.FOUNDATION_MODEL
    return _meant(asking, arns.bedrock_arn(asking.scope, kind, identifier), _INVOCABLE)


def user_named(asking: Asking) -> Iterable[Resource]:
    """The user that is named; whoever asks, where none is."""
    name = asking.params.get("UserName")
    return _identities(asking, USER, name) if name else [Resource(arn=asking.caller_arn)]


def users_listed(asking: Asking) -> Iterable[Resource]:
    """All of the account where all are asked for."""
    return [Resource(arn=_iam_arn(asking, USER, "/*"))] if asking.params.get("AllUsers") else user_named(asking)


def user_renamed(asking: Asking) -> Iterable[Resource]:
    """What the user would be called afterwards; nothing where neither name nor path changes."""
    name, path = asking.params.get("NewUserName"), asking.params.get("NewPath")
    if not name and not path:
        return []
    now = str(asking.params["UserName"])
    after = name or now
    if path:
        return [Resource(arn=_iam_arn(asking, USER, f"{path}{after}"))]
    # A new name stays where the user is, which a denial does not tell.
    known = asking.facts.arns_of(asking.scope, USER, now) or [_iam_arn(asking, USER, f"/{now}")]
    return [Resource(arn=f"{arn.rpartition('/')[0]}/{after}", shown_as=f"user {after}") for arn in known]


def role_named(asking: Asking) -> Iterable[Resource]:
    return _identities(asking, ROLE, asking.params["RoleName"])


def _identities(asking: Asking, kind: str, name: str) -> list[Resource]:
    known = asking.facts.arns_of(asking.scope, kind, name) or [_iam_arn(asking, kind, f"/{name}")]
    return [Resource(arn=arn, shown_as=f"{kind} {name}") for arn in known]


def policy_named(asking: Asking) -> Iterable[Resource]:
    return [Resource(arn=asking.params["PolicyArn"])]


def new_identity(kind: str, member: str) -> ResourcesOf:
    def resources(asking: Asking) -> Iterable[Resource]:
        return [Resource(arn=_iam_arn(asking, kind, f"{asking.params.get('Path') or '/'}{asking.params[member]}"))]

    return resources


def _iam_arn(asking: Asking, kind: str, path: str) -> str:
    return f"arn:aws:iam::{asking.scope.account_id}:{kind}{path}"


def policy_key(asking: Asking) -> Mapping[str, str]:
    return {"iam:policyarn": asking.params["PolicyArn"]}


def asked_boundary(asking: Asking) -> Mapping[str, str]:
    asked = asking.params.get("PermissionsBoundary")
    return {"iam:permissionsboundary": asked} if asked else {}


def boundary_of_user(asking: Asking) -> Mapping[str, str]:
    return _boundary(asking, user_named(asking))


def boundary_of_role(asking: Asking) -> Mapping[str, str]:
    return _boundary(asking, role_named(asking))


def _boundary(asking: Asking, holders: Iterable[Resource]) -> Mapping[str, str]:
    found = [asking.facts.boundary_of(holder.arn) for holder in holders]
    return {"iam:permissionsboundary": found[0]} if found and found[0] else {}


def guardrail_key(asking: Asking) -> Mapping[str, str]:
    config = asking.params.get("guardrailConfig") or asking.params
    identifier = config.get("guardrailIdentifier")
    return {"bedrock:guardrailidentifier": identifier} if identifier else {}


def service_tier_key(asking: Asking) -> Mapping[str, str]:
    tier = asking.params.get("serviceTier")
    tier = cast("dict[str, Any]", tier).get("type") if isinstance(tier, dict) else tier
    return {"bedrock:servicetier": tier} if isinstance(tier, str) else {}


def profile_key(asking: Asking) -> Mapping[str, str]:
    """Where a model is reached by a profile, a policy may allow it in that way only."""
    found = [resource.arn for resource in model("modelId")(asking)]
    return {"bedrock:inferenceprofilearn": found[0]} if f":{arns.INFERENCE_PROFILE}/" in found[0] else {}


def model_source(asking: Asking) -> Iterable[str]:
    """The folder: without a role, which is optional, the service reads it with its own access."""
    uri = member_at(asking.params, "modelSourceConfig.s3DataSource.s3Uri")
    return [f"{_object_arn(uri).removesuffix('/')}/*"] if uri else []


def log_folders(asking: Asking) -> Iterable[str]:
    """Where records of invocations go. The service writes them with its own access, and the bucket's policy, in which
    AWS has the bucket's owner say so, is not read here."""
    members = ("s3Config", "cloudWatchConfig.largeDataDeliveryS3Config")
    given = [each for member in members if (each := member_at(asking.params, f"loggingConfig.{member}"))]
    places = [S3Destination(bucket=each["bucketName"], key_prefix=each.get("keyPrefix", "")) for each in given]
    return [f"arn:aws:s3:::{place.bucket}/{place.folder(asking.scope)}*" for place in places]


def data_files(asking: Asking) -> Iterable[str]:
    validators = member_at(asking.params, "validationDataConfig.validators") or []
    uris = [member_at(asking.params, "trainingDataConfig.s3Uri"), *(each.get("s3Uri") for each in validators)]
    return [_object_arn(uri) for uri in uris if uri]


def _object_arn(uri: str) -> str:
    return f"arn:aws:s3:::{uri.removeprefix('s3://')}"
