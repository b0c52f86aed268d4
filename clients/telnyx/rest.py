"""The client of PyPI: all of REST. Prints how many checks have passed."""

import base64
import datetime
import json
import os

import telnyx

BASE = os.environ["TELNYX_BASE_URL"]
PASSWORD = "violet otter under glass"
passed = 0


def check(sentence, holds):
    """One check: a sentence, and what must hold."""
    global passed
    if not holds:
        raise AssertionError(sentence)
    passed += 1


def refused(call, kind, code):
    """That a call is refused with this class and code."""
    try:
        call()
    except kind as error:
        check(f"{error}", code is None or error.body["errors"][0]["code"] == code)
        return error
    raise AssertionError(f"was accepted instead of {code}")


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))


def connections(client):
    made = client.credential_connections.create(
        connection_name="Phones", user_name="pythons", password=PASSWORD, active=True, tags=["a"]
    ).data
    check("a connection is made as asked", (made.user_name, made.password, made.tags) == ("pythons", PASSWORD, ["a"]))
    read = client.credential_connections.retrieve(made.id).data
    check("a connection is read back, masked", (read.id, read.password) == (made.id, "********"))
    changed = client.credential_connections.update(made.id, connection_name="Desks").data
    check("a connection is changed", (changed.connection_name, changed.tags) == ("Desks", ["a"]))
    status = client.credential_connections.actions.check_registration_status(made.id).data
    check("nobody is registered", status.status == "Not Registered")
    taken = refused(
        lambda: client.credential_connections.create(connection_name="x", user_name="pythons", password=PASSWORD),
        telnyx.UnprocessableEntityError,
        "10012",
    )
    check("it is pointed at", taken.body["errors"][0]["source"]["pointer"] == "/user_name")
    return made


def credentials(client, connection):
    made = client.telephony_credentials.create(connection_id=connection.id, name="desk", tag="python").data
    check("a credential is made", len(made.sip_password) == 32 and made.sip_username.startswith("gencred"))
    check("it belongs to its connection", made.resource_id == f"connection:{connection.id}")
    check("it has not expired", made.expired is False)
    read = client.telephony_credentials.retrieve(made.id).data
    check("a credential is read back", read == made)
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).replace(tzinfo=None)
    changed = client.telephony_credentials.update(made.id, expires_at=end.isoformat()).data
    check("a date without a zone is UTC", changed.expires_at == end.isoformat()[:19])
    token = client.telephony_credentials.create_token(made.id)
    claims = claims_of(token)
    check("a token is bare text", token == token.strip() and token.count(".") == 2)
    check("a token is for its credential", (claims["sub"], claims["typ"]) == (made.id, "access"))
    again = client.telephony_credentials.create_token(made.id, idempotency_key="once")
    check("another token is another session", claims_of(again)["jti"] != claims["jti"])
    check("a credential is deleted", client.telephony_credentials.delete(made.id).data.id == made.id)
    refused(lambda: client.telephony_credentials.create_token(made.id), telnyx.NotFoundError, "10005")


def lists(client, connection):
    for number in range(5):
        client.telephony_credentials.create(connection_id=connection.id, name=f"n{number}", tag="listed")
    found = [item.name for item in client.telephony_credentials.list(filter={"tag": "listed"}, page_size=2)]
    check("every page of a list is fetched", found == ["n4", "n3", "n2", "n1", "n0"])
    page = client.telephony_credentials.list(filter={"tag": "listed"}, page_size=2, page_number=3)
    check("a page is one page", [item.name for item in page.data] == ["n0"])
    check("a page says where it is", (page.meta.page_number, page.meta.total_pages) == (3, 3))
    named = client.credential_connections.list(filter={"connection_name": {"contains": "desk"}}, sort="connection_name")
    check("connections are found by their names", [item.id for item in named] == [connection.id])
    none = client.telephony_credentials.list(filter={"status": "expired"})
    check("an empty list ends at once", list(none) == [])


def refusals(client, connection):
    refused(lambda: client.telephony_credentials.retrieve("nonsense"), telnyx.NotFoundError, "10006")
    refused(lambda: client.telephony_credentials.create(connection_id="17"), telnyx.UnprocessableEntityError, "10013")
    refused(lambda: client.credential_connections.list(page_size=1000).data, telnyx.BadRequestError, "10015")
    stranger = telnyx.Telnyx(api_key="KEY0190", base_url=BASE)
    refused(lambda: stranger.credential_connections.retrieve(connection.id), telnyx.AuthenticationError, "10009")
    old = client.telephony_credentials.create(connection_id=connection.id, expires_at="2018-02-02T22:25:27.521Z").data
    check("what has passed has expired", old.expired is True)
    error = refused(
        lambda: client.telephony_credentials.update(old.id, name="new"), telnyx.UnprocessableEntityError, None
    )
    check("an expired credential says so in its own shape", isinstance(error.body["errors"]["status"], str))


def main():
    client = telnyx.Telnyx()
    connection = connections(client)
    credentials(client, connection)
    lists(client, connection)
    refusals(client, connection)
    check("a connection is deleted", client.credential_connections.delete(connection.id).data.id == connection.id)
    check("nothing is left", list(client.telephony_credentials.list()) == [])
    print(json.dumps({"version": telnyx.__version__, "passed": passed}))


main()
