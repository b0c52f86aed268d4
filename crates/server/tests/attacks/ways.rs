//! Every way in over HTTP, and one over a socket, for one person.

use std::{net::TcpStream, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client};

use crate::house::{APPLICATION, Answer, House, ISSUER_SECRET, PASSWORD, TILEDESK, basic};

/// What a way goes by, which says what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A password, at a face that names no application.
    Password,
    /// A password, for the application.
    PasswordOfApplication,
    /// A token of a session.
    Session,
    /// The same of the application's.
    SessionOfApplication,
    /// A key of somebody's own.
    Key,
    /// A word of the application's issuer, or none at all.
    NoAccount,
    /// A key of the back end.
    BackEnd,
}

/// A way in: shown again at any time, it is let in or refused.
pub struct Way<'a> {
    pub name: &'static str,
    pub kind: Kind,
    pub knock: Box<dyn Fn() -> bool + 'a>,
}

/// What a person came to hold; nothing of it may be seen anywhere.
#[derive(Default)]
pub struct Held(pub Vec<String>);

impl Held {
    fn keep(&mut self, secret: String) -> String {
        assert!(secret.len() > 12, "{secret} is no secret");
        self.0.push(secret.clone());
        secret
    }
}

const KEYCLIC: (&str, &str) = ("X-Keyclic-App", "com.keyclic.app");

/// A token as a back end signs it.
pub fn assertion(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&json!({ "alg": "HS256", "typ": "JWT" })), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, ISSUER_SECRET.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

/// Goes in every way as `name`, and says how to go in each again.
pub fn all<'a>(house: &'a House, name: &str, held: &mut Held) -> Vec<Way<'a>> {
    let mut ways = Vec::new();
    native(house, name, held, &mut ways);
    tiledesk(house, name, held, &mut ways);
    keyclic(house, name, held, &mut ways);
    opentact(house, name, held, &mut ways);
    apirtc(house, name, held, &mut ways);
    telnyx(house, &mut ways);
    ways
}

fn way<'a>(name: &'static str, kind: Kind, knock: impl Fn() -> Answer + 'a) -> Way<'a> {
    let good = move || knock().is_good();
    Way { name, kind, knock: Box::new(good) }
}

fn native<'a>(house: &'a House, name: &str, held: &mut Held, ways: &mut Vec<Way<'a>>) {
    let body = json!({ "application": APPLICATION, "email": format!("{name}@example.org"), "password": PASSWORD });
    let sign_in = move || house.json("POST", "/api/v1/sign-in", &[], &body);
    let signed_in = sign_in();
    let access = held.keep(signed_in.text("/access_token"));
    // One that is taken up once more inside its grace, and so can be shown twice.
    let refresh = held.keep(signed_in.text("/refresh_token"));
    let bearer = format!("Bearer {access}");
    let introspected = format!("token={access}");
    let key = format!("Bearer {}", house.api_key);
    ways.push(way("native: password", Kind::PasswordOfApplication, sign_in));
    let shown = bearer.clone();
    ways.push(way("native: access token", Kind::SessionOfApplication, move || house.show("GET", "/api/v1/me", &shown)));
    ways.push(way("native: refresh token", Kind::SessionOfApplication, move || {
        house.json("POST", "/api/v1/refresh", &[], &json!({ "refresh_token": refresh }))
    }));
    ways.push(way("native: forward-auth", Kind::SessionOfApplication, move || {
        house.show("GET", "/forward-auth", &bearer)
    }));
    let introspect = move || house.form("/api/v1/introspect", &[("Authorization", &key)], &introspected);
    let active = move || introspect().json()["active"] == true;
    ways.push(Way { name: "native: introspection", kind: Kind::SessionOfApplication, knock: Box::new(active) });
    let guest = move || house.json("POST", "/api/v1/guests", &[], &json!({ "application": APPLICATION }));
    let guests_token = format!("Bearer {}", held.keep(guest().text("/access_token")));
    ways.push(way("native: guest", Kind::NoAccount, guest));
    ways.push(way("native: guest's token", Kind::NoAccount, move || house.show("GET", "/api/v1/me", &guests_token)));
    let key = format!("Bearer {}", house.api_key);
    ways.push(way("native: API key", Kind::BackEnd, move || house.show("GET", "/api/v1/admin/project", &key)));
}

fn tiledesk<'a>(house: &'a House, name: &str, held: &mut Held, ways: &mut Vec<Way<'a>>) {
    let email = format!("{name}@example.org");
    let body = json!({ "email": email, "password": PASSWORD });
    let sign_in = move || house.json("POST", "/tiledesk/auth/signin", &[], &body);
    let token = held.keep(sign_in().text("/token"));
    let pair = basic(&email, PASSWORD);
    ways.push(way("tiledesk: password", Kind::Password, sign_in));
    ways.push(way("tiledesk: Basic", Kind::Password, move || house.show("GET", "/tiledesk/testauth", &pair)));
    let shown = token.clone();
    ways.push(way("tiledesk: token", Kind::Session, move || house.show("GET", "/tiledesk/testauth", &shown)));
    let jwt = token.trim_start_matches("JWT ").to_owned();
    held.keep(jwt.clone());
    ways.push(way("tiledesk: token in the query", Kind::Session, move || {
        house.show("GET", &format!("/tiledesk/testauth?secret_token={jwt}"), "two words")
    }));
    let audience = format!("https://tiledesk.com/projects/{TILEDESK}");
    let custom = held.keep(assertion(&json!({ "_id": name, "sub": "userexternal", "aud": audience })));
    let custom = format!("JWT {custom}");
    ways.push(way("tiledesk: custom token", Kind::NoAccount, move || {
        house.show("POST", "/tiledesk/auth/signinWithCustomToken", &custom)
    }));
    let guest = move || house.json("POST", "/tiledesk/auth/signinAnonymously", &[], &json!({ "id_project": TILEDESK }));
    ways.push(way("tiledesk: guest", Kind::NoAccount, guest));
}

fn keyclic<'a>(house: &'a House, name: &str, held: &mut Held, ways: &mut Vec<Way<'a>>) {
    let body = json!({ "login": format!("{name}@example.org"), "password": PASSWORD });
    let log_in = move || house.json("POST", "/keyclic/security/login", &[KEYCLIC], &body);
    let first = log_in();
    let access = format!("Bearer {}", held.keep(first.text("/accessToken")));
    let refresh = held.keep(first.text("/refreshToken"));
    held.keep(first.text("/idToken"));
    let person = format!("/keyclic/people/{}", first.text("/credentials/id"));
    ways.push(way("keyclic: password", Kind::PasswordOfApplication, log_in));
    ways.push(way("keyclic: access token", Kind::SessionOfApplication, move || {
        house.ask("GET", &person, &[KEYCLIC, ("Authorization", &access)], "")
    }));
    ways.push(way("keyclic: refresh token", Kind::SessionOfApplication, move || {
        house.json("POST", "/keyclic/security/login/refresh", &[KEYCLIC], &json!({ "refreshToken": refresh }))
    }));
}

fn opentact<'a>(house: &'a House, name: &str, held: &mut Held, ways: &mut Vec<Way<'a>>) {
    let pair = basic(&format!("{name}@example.org"), PASSWORD);
    let shown = pair.clone();
    let auth = move || house.show("GET", "/opentact/rest/auth", &shown);
    let first = auth();
    let token = held.keep(first.text("/payload/token"));
    ways.push(way("opentact: Basic", Kind::Password, auth));
    let jwt = token.clone();
    ways.push(way("opentact: X-Auth-Token", Kind::Session, move || {
        house.ask("GET", "/opentact/rest/account", &[("X-Auth-Token", &jwt)], "")
    }));
    ways.push(way("opentact: token in the query", Kind::Session, move || {
        house.ask("GET", &format!("/opentact/rest/account?jwt={token}"), &[], "")
    }));
    let wanted = json!({ "name": "robot", "ttl": 3600 });
    let made = house.json("POST", "/opentact/rest/token", &[("Authorization", &pair)], &wanted);
    let key = format!("Bearer {}", held.keep(made.text("/payload/token")));
    ways.push(way("opentact: API token", Kind::Key, move || house.show("GET", "/opentact/rest/account", &key)));
}

fn apirtc<'a>(house: &'a House, name: &str, held: &mut Held, ways: &mut Vec<Way<'a>>) {
    let form = format!("username={name}%40example.org&password={PASSWORD}");
    let grant = move || house.form("/apirtc/api/v3/authenticate", &[], &form);
    let token = format!("Bearer {}", held.keep(grant().text("/token")));
    ways.push(way("apirtc: password", Kind::Password, grant));
    ways.push(way("apirtc: token", Kind::Session, move || house.show("GET", "/apirtc/api/v2/checkToken", &token)));
}

fn telnyx<'a>(house: &'a House, ways: &mut Vec<Way<'a>>) {
    let key = format!("Bearer {}", house.api_key);
    ways.push(way("telnyx: API key", Kind::BackEnd, move || {
        house.show("GET", "/telnyx/v2/telephony_credentials", &key)
    }));
}

/// A native socket on which `first` was said; what was said back before it closed or fell silent for two seconds.
pub fn on_socket(house: &House, path: &str, first: &Value) -> Vec<String> {
    let stream = TcpStream::connect(house.server.main).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let (mut socket, _) = client(format!("ws://{}{path}", house.server.main), stream).unwrap();
    socket.send(Message::text(first.to_string())).unwrap();
    let mut heard = Vec::new();
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) => heard.push(text.to_string()),
            Message::Close(frame) => heard.push(format!("{frame:?}")),
            _ => {}
        }
        if heard.len() >= 2 {
            break;
        }
    }
    heard
}
