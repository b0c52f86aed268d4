//! Asking a server something, and what it answered.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Builder};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// How a face shows its answers in snapshots.
pub type Look = fn(&Answer) -> String;

/// The routes of a server, and what was said over them.
#[derive(Clone)]
pub struct Exchange {
    pub router: Router,
    look: Look,
    /// Values that snapshots show by name.
    names: Arc<Mutex<Vec<(String, String)>>>,
    /// Every body that was answered.
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl Exchange {
    pub fn with(router: Router, look: Look) -> Self {
        Self { router, look, names: Arc::default(), heard: Arc::default() }
    }

    /// Has snapshots show `name` for a value that is another one in each run, or long.
    pub fn call(&self, value: impl Into<String>, name: impl fmt::Display) {
        self.names.lock().unwrap().push((value.into(), format!("{{{name}}}")));
    }

    /// A request.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        let builder = Request::builder().method(method).uri(path);
        Asking {
            exchange: self.clone(),
            builder,
            body: Body::empty(),
            from: SocketAddr::from(([192, 0, 2, 1], 40_000)),
        }
    }
}

/// A request that is being put together.
pub struct Asking {
    exchange: Exchange,
    builder: Builder,
    body: Body,
    from: SocketAddr,
}

impl Asking {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Shows this, with its scheme word, and nothing that was shown before.
    pub fn showing(mut self, authorization: &str) -> Self {
        let value = HeaderValue::try_from(authorization).unwrap();
        self.builder.headers_mut().unwrap().insert(header::AUTHORIZATION, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.showing(&format!("Bearer {token}"))
    }

    /// Shows an address and a password.
    pub fn basic(self, user: &str, password: &str) -> Self {
        self.showing(&basic(user, password))
    }

    /// Goes somewhere else.
    pub fn at(mut self, path: &str) -> Self {
        self.builder = self.builder.uri(path);
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn form(self, body: &str) -> Self {
        self.raw("application/x-www-form-urlencoded", body.to_owned())
    }

    /// As browsers send form data; without fields it is the closing boundary alone.
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let parts = fields.iter().map(|(name, value)| {
            format!("------BoundaryX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let body = parts.collect::<String>() + "------BoundaryX--\r\n";
        self.raw("multipart/form-data; boundary=----BoundaryX", body)
    }

    pub fn raw(self, media_type: &str, body: impl Into<Body>) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), media_type).body(body)
    }

    /// With a body of no type.
    pub fn body(self, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Comes from another address.
    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.from = SocketAddr::from((address, 40_000));
        self
    }

    /// The answer as it comes.
    pub async fn respond(self) -> Response<Body> {
        let mut request = self.builder.body(self.body).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.from));
        self.exchange.router.oneshot(request).await.unwrap()
    }

    /// The whole answer.
    pub async fn send(self) -> Answer {
        let Exchange { look, names, heard, .. } = self.exchange.clone();
        let (parts, body) = self.respond().await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        heard.lock().unwrap().push(body.clone());
        let names = names.lock().unwrap().clone();
        Answer { status: parts.status, headers: parts.headers, bytes, body, names, look }
    }
}

/// The value of `Authorization` for a pair.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The bytes as text, if they are text.
    pub body: String,
    names: Vec<(String, String)>,
    look: Look,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {}", self.body))
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text with names for the values that have one.
    pub fn with_names(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(self.look)(self))
    }
}
