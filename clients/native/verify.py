"""Verifies a token against a key set, as a resource server in Python does. Prints the claims."""

import json
import sys

import jwt

token, keys, issuer, audience = sys.argv[1:]
key = jwt.PyJWKClient(keys).get_signing_key_from_jwt(token)
claims = jwt.decode(
    token,
    key.key,
    algorithms=["EdDSA", "ES256"],
    issuer=issuer,
    audience=audience,
    options={"require": ["exp", "iat", "sub", "sid", "client_id"]},
)
print(json.dumps({"claims": claims, "version": jwt.__version__}))
