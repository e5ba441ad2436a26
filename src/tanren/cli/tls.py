"""`tanren tls`: the authority that vouches for this server, and how clients come to trust it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.processes import TLS_FOLDER
from tanren.settings import read_settings


def tls(
    data_dir: Annotated[Path | None, typer.Option(help="Of the server. Default .tanren.")] = None,
) -> None:
    """Explain the certificates of `tanren serve --tls`: whom they are for, until when, and how to trust them.

    Example: tanren tls
    """
    from tanren.aws.tls import fingerprint_of, names_in, read_certificate, tls_files

    settings = read_settings(data_dir=data_dir)
    files = tls_files(settings.data_dir / TLS_FOLDER)
    if not files.certificate.exists():
        folder = shlex.quote(str(settings.data_dir))
        raise ValidationFailed(
            f"{settings.data_dir} has no certificate yet; start the server once with HTTPS: "
            f"tanren serve --tls --data-dir {folder}"
        )
    authority, certificate = read_certificate(files.authority), read_certificate(files.certificate)
    bundle = shlex.quote(str(files.authority))
    days_left = (certificate.not_valid_after_utc - utc_now()).days
    print(
        f"""Authority    {files.authority}
             valid until {authority.not_valid_after_utc:%Y-%m-%d}; SHA-256 {fingerprint_of(authority)}
Certificate  {files.certificate}
             for {", ".join(sorted(names_in(certificate)))}
             valid until {certificate.not_valid_after_utc:%Y-%m-%d}, {days_left} days; a start renews it in time

A client must trust the authority, which may vouch for these names and private addresses only:

  boto3, AWS CLI     export AWS_CA_BUNDLE={bundle}      # `tanren env` prints it
  httpx (LiteLLM)    export SSL_CERT_FILE={bundle}      # and nothing else on the web, while it is set
  Node.js            export NODE_EXTRA_CA_CERTS={bundle}
  curl               curl --cacert {bundle} URL
  Debian, Ubuntu     sudo cp {bundle} /usr/local/share/ca-certificates/tanren.crt && sudo update-ca-certificates
  macOS              sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {bundle}

Another machine needs a copy of ca.pem and no other file: ca.key and server.key stay here. Compare the fingerprint.
Further names: TANREN_TLS_NAMES=forge.example.com. A certificate of your own: TANREN_TLS=files, TANREN_TLS_CERTIFICATE
and TANREN_TLS_KEY. A server that runs for longer than the certificate is valid must be started again."""
    )
