"""AWS's own signature (version 4) under an HTTP request, by AWS's own runtime; nothing else imports that."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cloudpay.kernel.errors import ConfigurationError
from cloudpay.wallets.sealing import SealKeyUnavailable

try:
    from awscrt.auth import (
        AwsCredentialsProvider,
        AwsSigningAlgorithm,
        AwsSigningConfig,
        aws_sign_request,
    )
    from awscrt.exceptions import AwsCrtError
    from awscrt.http import HttpHeaders, HttpRequest
    from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, InputStream
except ImportError as error:
    raise ConfigurationError(
        'seal_key is "aws-kms", and what speaks to AWS is not installed. Install cloudpay[aws].'
    ) from error


def signed_headers(
    url: str, headers: Mapping[str, str], body: bytes, *, region: str, service: str, seconds: float
) -> dict[str, str]:
    """Answer the headers with those of the signature, by the credentials that this machine has.

    They are looked for where every AWS tool looks: variables, profile, container, instance.
    Raises `SealKeyUnavailable`.
    """
    import io

    loops = EventLoopGroup(1)
    bootstrap = ClientBootstrap(loops, DefaultHostResolver(loops))
    request = HttpRequest(
        "POST", urlsplit(url).path or "/", HttpHeaders(list(headers.items())), InputStream(io.BytesIO(body))
    )
    try:
        config = AwsSigningConfig(
            algorithm=AwsSigningAlgorithm.V4,
            credentials_provider=AwsCredentialsProvider.new_default_chain(bootstrap),
            region=region,
            service=service,
            date=datetime.now(UTC),
        )
        signed = aws_sign_request(request, config).result(seconds)
    except (AwsCrtError, TimeoutError) as error:
        raise SealKeyUnavailable(
            "This machine has no AWS credentials to ask KMS with. Give the user of `cloudpay worker send` a role, a "
            "profile or AWS_ACCESS_KEY_ID; it is asked again."
        ) from error
    return dict(signed.headers)
