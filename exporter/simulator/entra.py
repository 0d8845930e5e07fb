"""The face of Microsoft Entra ID and of the metadata services: tokens for Foundry.

    POST /{tenant}/oauth2/v2.0/token                         client secret, or workload identity's assertion
    GET  /{tenant}/v2.0/.well-known/openid-configuration     what azure-identity asks first
    GET  /common/discovery/instance                          instance discovery
    GET  /metadata/identity/oauth2/token                     managed identity of a virtual machine
    GET  /msi/token                                          managed identity of App Service, Container Apps

These live at the root of the server, since an authority is a host. Source: the requests that azure-identity
1.27.0 was observed to send.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

from exporter.simulator.clock import SECOND
from exporter.simulator.messages import Json, Request, Response

RESOURCE = "https://ai.azure.com"
SCOPE = f"{RESOURCE}/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Credentials:
    """The words that open the simulated platforms; none of them is a secret of anyone."""

    roboto_token: str = "example-roboto-token"  # noqa: S105
    roboto_org_id: str = "og_example"
    foundry_token: str = "example-foundry-token"  # noqa: S105
    granite_api_key: str = "example-granite-key"
    moderately_api_key: str = "example-moderately-key"
    moderately_team_id: str = "team_example"
    tenant_id: str = "00000000-0000-0000-0000-00000000000a"
    client_id: str = "00000000-0000-0000-0000-00000000000b"
    client_secret: str = "example-client-secret"  # noqa: S105
    federated_assertion: str = "example-federated-assertion"
    identity_header: str = "example-identity-header"


@dataclass
class TokenService:
    """Issues tokens that are good for ``lifetime`` seconds, and knows which are good."""

    credentials: Credentials
    lifetime: int = 3599
    _expiry: dict[str, int] = field(default_factory=dict)
    _issued: int = 0

    def accepts(self, token: str, now: int) -> bool:
        """Whether a Foundry token is the static one, or was issued here and has not expired."""
        if token == self.credentials.foundry_token:
            return True
        return now < self._expiry.get(token, now)

    def revoke(self) -> None:
        """Every token issued so far stops working."""
        self._expiry.clear()

    def issued(self) -> int:
        """How many tokens have been issued."""
        return self._issued

    def knows(self, request: Request) -> bool:
        """Whether the request is one for this face."""
        match request.segments:
            case [_, "oauth2", "v2.0", "token"] | [_, "v2.0", ".well-known", "openid-configuration"]:
                return True
            case ["common", "discovery", "instance"] | ["metadata", "identity", "oauth2", "token"]:
                return True
            case ["msi", "token"]:
                return True
        return False

    def answer(self, request: Request, now: int) -> Response:  # noqa: PLR0911  one return a route
        """A token, a document, or an error in Entra's own envelope."""
        match request.method, request.segments:
            case "POST", [tenant, "oauth2", "v2.0", "token"]:
                return self._token(request, tenant, now)
            case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"]:
                return Response(payload=_configuration(request.base, tenant))
            case "GET", ["common", "discovery", "instance"]:
                endpoint = f"{request.base}/{self.credentials.tenant_id}/v2.0/.well-known/openid-configuration"
                return Response(payload={"tenant_discovery_endpoint": endpoint, "metadata": []})
            case "GET", ["metadata", "identity", "oauth2", "token"]:
                if request.headers.get("metadata") != "true":
                    return Response(400, {"error": "bad_request_102", "error_description": "Required metadata header"})
                return self._managed(request, now)
            case "GET", ["msi", "token"]:
                if request.headers.get("x-identity-header") != self.credentials.identity_header:
                    return Response(401, {"statusCode": 401, "message": "Unauthorized"})
                return self._managed(request, now)
        return Response(405, {"error": "invalid_request"})

    def _token(self, request: Request, tenant: str, now: int) -> Response:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if tenant != self.credentials.tenant_id:
            return _refused(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
        if SCOPE not in form.get("scope", "").split():
            return _refused(400, "invalid_scope", 70011, "The scope is not valid.")
        if form.get("client_id") != self.credentials.client_id:
            return _refused(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        by_assertion = (
            form.get("client_assertion_type") == ASSERTION_TYPE
            and form.get("client_assertion") == self.credentials.federated_assertion
        )
        if not by_assertion and form.get("client_secret") != self.credentials.client_secret:
            return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        return Response(
            payload={
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": self._issue(now),
            }
        )

    def _managed(self, request: Request, now: int) -> Response:
        if request.parameters.get("resource") != RESOURCE:
            return Response(400, {"error": "invalid_resource", "error_description": "AADSTS500011: not found"})
        seconds = now // SECOND
        return Response(
            payload={
                "access_token": self._issue(now),
                "client_id": self.credentials.client_id,
                # The metadata service writes numbers as strings.
                "expires_in": str(self.lifetime),
                "expires_on": str(seconds + self.lifetime),
                "ext_expires_in": str(self.lifetime),
                "not_before": str(seconds),
                "resource": RESOURCE,
                "token_type": "Bearer",
            }
        )

    def _issue(self, now: int) -> str:
        self._issued += 1
        token = f"example-issued-token-{self._issued}"
        self._expiry = {known: expiry for known, expiry in self._expiry.items() if expiry > now}
        self._expiry[token] = now + self.lifetime * SECOND
        return token


def _configuration(base: str, tenant: str) -> Json:
    return {
        "issuer": f"{base}/{tenant}/v2.0",
        "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "localhost",
    }


def _refused(status: int, error: str, code: int, text: str) -> Response:
    return Response(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{code}: {text} Trace ID: example Correlation ID: example",
            "error_codes": [code],
            "trace_id": "example",
            "correlation_id": "example",
        },
    )
