"""Facts of signing keys, signed tokens and the webhook."""

from contract_shapes import Call, Field, Keyword, Model

_STREAM = "/accounts/{account_id}/stream"
_KEYS = f"{_STREAM}/keys"
_WEBHOOK = f"{_STREAM}/webhook"

CALLS = (
    Call("KEYS_GET", "stream.keys.get", "GET", _KEYS, "list", "READ", model="SigningKeySummary", null=True),
    Call("KEYS_CREATE", "stream.keys.create", "POST", _KEYS, "one", "CREATE", model="SigningKey"),
    Call(
        "KEYS_DELETE",
        "stream.keys.delete",
        "DELETE",
        f"{_KEYS}/{{identifier}}",
        "nothing",
        "DELETE",
        positional=("identifier",),
    ),
    Call(
        "TOKEN_CREATE",
        "stream.token.create",
        "POST",
        f"{_STREAM}/{{identifier}}/token",
        "one",
        "SET",
        positional=("identifier",),
        model="Token",
        place="json",
        together=("id", "pem"),
        keywords=(
            Keyword("id", "id", "text"),
            Keyword("pem", "pem", "text", secret=True),
            Keyword("exp", "exp", "integer"),
            Keyword("nbf", "nbf", "integer"),
            Keyword("downloadable", "downloadable", "flag"),
            Keyword("access_rules", "accessRules", "list of AccessRule", items=5),
            Keyword("flags", "flags", "Flags"),
        ),
    ),
    Call("WEBHOOKS_GET", "stream.webhooks.get", "GET", _WEBHOOK, "one", "READ", model="Webhook"),
    Call(
        "WEBHOOKS_UPDATE",
        "stream.webhooks.update",
        "PUT",
        _WEBHOOK,
        "one",
        "SET",
        model="Webhook",
        place="json",
        keywords=(Keyword("notification_url", "notificationUrl", "address", required=True, also="notification_url"),),
    ),
    Call("WEBHOOKS_DELETE", "stream.webhooks.delete", "DELETE", _WEBHOOK, "nothing", "DELETE"),
)

NESTED = {
    "AccessRule": (
        Keyword("type", "type", "text", choices=("any", "ip.src", "ip.geoip.country")),
        Keyword("action", "action", "text", choices=("allow", "block")),
        Keyword("country", "country", "list of text"),
        Keyword("ip", "ip", "list of text"),
    ),
    "Flags": (Keyword("original", "original", "flag"),),
}

MODELS = (
    Model(
        "SigningKey",
        (
            Field("id", "id", "text", always=True),
            Field("pem", "pem", "text", always=True, secret=True),
            Field("jwk", "jwk", "text", always=True, secret=True),
            Field("created", "created", "time"),
        ),
        {
            "id": "89" * 16,
            "pem": "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=",
            "jwk": "eyJ1c2UiOiJzaWciLCJrdHkiOiJSU0EifQ==",
            "created": "2024-08-22T15:06:42.863713Z",
        },
    ),
    Model(
        "SigningKeySummary",
        (
            Field("id", "id", "text", always=True),
            Field("key_id", "key_id", "text"),
            Field("created", "created", "time"),
        ),
        {"id": "a7" * 16, "key_id": "a7" * 16, "created": "2024-08-22T15:06:42.863713Z"},
    ),
    Model(
        "Token",
        (Field("token", "token", "text", always=True, secret=True),),
        {"token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"},
    ),
    Model(
        "Webhook",
        (
            Field("notification_url", "notificationUrl", "text", always=True, also="notification_url"),
            Field("secret", "secret", "text", always=True, secret=True),
            Field("modified", "modified", "time"),
        ),
        {
            "notificationUrl": "https://example.com/hook",
            "secret": "e853f3bd4563a66c86979cd584f08eb3c72ddd75",
            "modified": "2024-08-14T09:50:16.484603Z",
        },
    ),
)
