"""glewlwyd as its documents set it up: SQLite, the OIDC plugin with HS256, one client with a secret, one user.

`prepare` leaves its database and configuration in this folder; `fill`, when it runs, adds the rest by its API as the
administrator that its database begins with, and prints a token of the user and how the client shows who it is.
"""

import base64
import json
import os
import sqlite3
import sys
import urllib.parse
import urllib.request

STEP, ROOT, PORT, PASSWORD = sys.argv[1:5]
URL = f"http://127.0.0.1:{PORT}"
CLIENT_SECRET = "a secret of the bench, long enough for it"


def prepare():
    with open(f"{ROOT}/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3") as tables:
        database = sqlite3.connect("glewlwyd.db")
        database.executescript(tables.read())
        database.close()
    os.makedirs("empty", exist_ok=True)
    modules = f"{ROOT}/usr/lib/glewlwyd"
    paths = {"user": "user", "client": "client", "user_auth_scheme": "scheme", "plugin": "plugin"}
    lines = [f'{name}_module_path="{modules}/{folder}"' for name, folder in paths.items()]
    with open("glewlwyd.conf", "w") as file:
        file.write(
            f'port={PORT}\nbind_address="127.0.0.1"\nexternal_url="{URL}/"\nlogin_url="login.html"\napi_prefix="api"\n'
            'log_mode="file"\nlog_level="ERROR"\nlog_file="server.log"\ncookie_domain=""\ncookie_secure=0\n'
            'session_expiration=86400\nsession_key="session"\nadmin_scope="g_admin"\nprofile_scope="g_profile"\n'
            f'hash_algorithm="SHA512"\nuser_middleware_module_path="{os.getcwd()}/empty"\n'
            + "\n".join(lines)
            + '\ndatabase = { type = "sqlite3"; path = "glewlwyd.db"; };\n'
        )


def ask(method, path, body=None, form=None, **headers):
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    return urllib.request.urlopen(request)


def fill():
    administrator = ask("POST", "/api/auth/", {"username": "admin", "password": "password"})
    cookie = administrator.headers["Set-Cookie"].split(";")[0]
    plugin = {
        "iss": f"{URL}/api/oidc",
        "jwt-type": "sha",
        "jwt-key-size": "256",
        "key": CLIENT_SECRET,
        "access-token-duration": 86400,
        "refresh-token-duration": 86400,
        "code-duration": 600,
        "allow-non-oidc": True,
        "subject-type": "public",
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": False,
        "auth-type-id-token-enabled": True,
        "auth-type-password-enabled": True,
        "auth-type-client-enabled": True,
        "auth-type-refresh-enabled": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-auth-scope": ["g_admin"],
        "introspection-revocation-allow-target-client": True,
        "scope": [],
        "additional-parameters": [],
        "claims": [],
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "oidc", "enabled": True, "parameters": plugin}
    ask("POST", "/api/mod/plugin/", plugin, Cookie=cookie)
    client = {
        "client_id": "bench",
        "enabled": True,
        "confidential": True,
        "client_secret": CLIENT_SECRET,
        "scope": ["g_profile"],
        "authorization_type": ["password"],
        "token_endpoint_auth_method": ["client_secret_basic"],
    }
    ask("POST", "/api/client/", client, Cookie=cookie)
    user = {"username": "agent", "password": PASSWORD, "enabled": True, "scope": ["g_profile"]}
    ask("POST", "/api/user/", user, Cookie=cookie)
    basic = "Basic " + base64.b64encode(f"bench:{CLIENT_SECRET}".encode()).decode()
    grant = {"grant_type": "password", "username": "agent", "password": PASSWORD, "scope": "g_profile"}
    token = json.load(ask("POST", "/api/oidc/token", form=grant, Authorization=basic))["access_token"]
    print(json.dumps({"token": token, "client": basic}))


{"prepare": prepare, "fill": fill}[STEP]()
