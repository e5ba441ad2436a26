"""`tanren env`: the variables with which any AWS client speaks to this server."""

import shlex

from tanren.cli.endpoint import DataDir
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption, as_json
from tanren.domain.errors import ValidationFailed
from tanren.settings import read_settings
from tanren.storage.root_keys import RootKeys, read_root_keys

STRONGER_VARIABLES = ("AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE")
"""What a shell may hold from other work and would win over these keys, or be sent with them."""


def env(
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Print exports for `eval "$(tanren env)"`: endpoint, keys and region for any AWS client.

    Example: eval "$(tanren env)"
    """
    settings = read_settings(data_dir=data_dir)
    keys = read_root_keys(settings.data_dir)
    if keys is None:
        raise ValidationFailed(
            say(
                "No server has been started in {folder} yet; start one: tanren serve --data-dir {quoted}",
                folder=settings.data_dir,
                quoted=shlex.quote(str(settings.data_dir)),
            )
        )
    if output is Output.TABLE:
        print_exports(keys)
    else:
        print(as_json(client_environment(keys)))


def print_exports(keys: RootKeys) -> None:
    print(f"unset {' '.join(STRONGER_VARIABLES)}")
    for name, value in client_environment(keys).items():
        print(f"export {name}={shlex.quote(value)}")


def client_environment(keys: RootKeys) -> dict[str, str]:
    trust = {"AWS_CA_BUNDLE": keys.ca_bundle} if keys.ca_bundle else {}
    return {
        **trust,
        "AWS_ENDPOINT_URL": keys.endpoint,
        # Clients that do not read it: LiteLLM, Anthropic's SDK for Bedrock.
        "AWS_BEDROCK_RUNTIME_ENDPOINT": keys.endpoint,
        "ANTHROPIC_BEDROCK_BASE_URL": keys.endpoint,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_REGION": keys.region,
        "AWS_DEFAULT_REGION": keys.region,
    }
