//! Asking the server something.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header, request::Builder};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Answer, Server};

/// A request that is being put together.
pub struct Asking<'a> {
    server: &'a Server,
    builder: Builder,
    body: Body,
    from: SocketAddr,
}

impl Server {
    /// A request to the Tiledesk mount.
    pub fn ask(&self, method: &str, path: &str) -> Asking<'_> {
        self.ask_root(method, &format!("/tiledesk{path}"))
    }

    /// A request to anything.
    pub fn ask_root(&self, method: &str, path: &str) -> Asking<'_> {
        let builder = Request::builder().method(method).uri(path);
        Asking { server: self, builder, body: Body::empty(), from: SocketAddr::from(([192, 0, 2, 1], 40_000)) }
    }

    pub fn get(&self, path: &str) -> Asking<'_> {
        self.ask("GET", path)
    }

    pub fn post(&self, path: &str) -> Asking<'_> {
        self.ask("POST", path)
    }

    pub fn put(&self, path: &str) -> Asking<'_> {
        self.ask("PUT", path)
    }
}

impl Asking<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Shows a token, with its scheme word.
    pub fn showing(self, authorization: &str) -> Self {
        self.header(header::AUTHORIZATION.as_str(), authorization)
    }

    /// Shows an address and a password.
    pub fn basic(self, email: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{email}:{password}"));
        self.showing(&format!("Basic {credentials}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn form(self, body: &str) -> Self {
        self.raw("application/x-www-form-urlencoded", body.to_owned())
    }

    pub fn raw(self, content_type: &str, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self.header(header::CONTENT_TYPE.as_str(), content_type) }
    }

    /// Comes from another address.
    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.from = SocketAddr::from((address, 40_000));
        self
    }

    /// The answer as it comes.
    pub async fn respond(self) -> http::Response<Body> {
        let mut request = self.builder.body(self.body).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.from));
        self.server.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(self) -> Answer {
        let server = self.server;
        let (parts, body) = self.respond().await.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        server.heard.lock().unwrap().push(body.clone());
        let names = server.names.lock().unwrap().clone();
        Answer { status: parts.status, headers: parts.headers, body, names }
    }
}
