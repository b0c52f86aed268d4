//! What depends on the transport: over TLS the word that it stays so, without it directions to TLS and nothing else.

use std::{
    collections::HashMap,
    future::{Ready, ready},
};

use axum::{
    Router, middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use http::{HeaderValue, StatusCode, Uri, header, uri::PathAndQuery};

use crate::{
    app::Settings,
    console,
    dialects::{ALL, Dialect, PlainHttp},
    first, guard, links, looks, mailbox,
    mount::by_host,
};

/// Browsers stay with TLS for a year (RFC 6797). Nothing is said about names below ours: they are not ours to bind.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The same routes for a listener with TLS.
pub fn over_tls(routes: Router) -> Router {
    routes.layer(middleware::map_response(async |mut response: Response| {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
        response
    }))
}

/// What the plain listener beside one with TLS answers.
///
/// It is made of settings alone, so that it can execute nothing and know no credential. It redirects what a dialect wants
/// redirected, and pages; an API that redirects would hide from its clients that their secrets travel in the clear.
pub fn plain_router(settings: &Settings) -> Router {
    directions(settings, ALL)
}

fn directions(settings: &Settings, dialects: &[Dialect]) -> Router {
    let home = settings.public_url.clone();
    let pages = console::PAGES.iter().chain(looks::PAGES).chain(first::PAGES).chain(links::PAGES).chain(mailbox::PAGES);
    let mut main =
        pages.fold(Router::new().fallback(refuse), |main, page| main.route(page, get(to(&home)).fallback(refuse)));
    let mut hosts = HashMap::new();
    for mount in &settings.mounts {
        let Some(dialect) = dialects.iter().find(|dialect| dialect.name == mount.dialect) else { continue };
        let redirected = dialect.plain == PlainHttp::Redirect;
        if redirected {
            for below in ["", "/", "/{*rest}"] {
                main = main.route(&format!("{}{below}", mount.prefix), any(to(&home)));
            }
        }
        for host in mount.hosts.iter().map(|host| host.to_ascii_lowercase()) {
            let root =
                if redirected { Router::new().fallback(to(&at_host(&home, &host))) } else { everything_refused() };
            hosts.insert(host, root);
        }
    }
    by_host(hosts, main)
}

fn everything_refused() -> Router {
    Router::new().fallback(refuse)
}

/// The address of one of our own hosts, on the port of the public address.
fn at_host(home: &str, host: &str) -> String {
    let port = home.parse::<Uri>().ok().and_then(|home| home.port_u16());
    port.map_or_else(|| format!("https://{host}"), |port| format!("https://{host}:{port}"))
}

/// Redirects to the same path and query at `origin`, which is configured: a `Host` header may say what it likes (N43).
fn to(origin: &str) -> impl Fn(Uri) -> Ready<Response> + Clone + Send + Sync + 'static + use<> {
    let origin = origin.to_owned();
    move |uri| ready(redirect(&origin, &uri))
}

fn redirect(origin: &str, uri: &Uri) -> Response {
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // `OPTIONS *` is about no path, and would end up in the host's name.
    let location = target.starts_with('/').then(|| HeaderValue::try_from(format!("{origin}{target}")));
    let Some(Ok(location)) = location else { return refusal() };
    metrics::counter!("ringfence_plain_requests_total", "answer" => "redirected").increment(1);
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::FOUND, headers).into_response()
}

async fn refuse() -> Response {
    refusal()
}

fn refusal() -> Response {
    metrics::counter!("ringfence_plain_requests_total", "answer" => "refused").increment(1);
    let mut response = guard::problem(StatusCode::FORBIDDEN, "tls_required", "come by https");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{app::Mount, dialects::Bearer};

    /// A dialect whose clients are redirected.
    const TELEPHONE: Dialect = Dialect {
        name: "telephone",
        routes: |_| Router::new(),
        at_root: None,
        endpoints: &[],
        token_shape: None,
        assertion_profiles: &[],
        application_alias: "telephone:application",
        bearer: Bearer { scheme: "Bearer", application_header: None },
        plain: PlainHttp::Redirect,
    };
    /// One whose clients are not.
    const GATEWAY: Dialect = Dialect { name: "gateway", plain: PlainHttp::Refuse, ..TELEPHONE };

    /// Status, `Location` and body of what is said to a request line and a host.
    async fn said(line: &str, host: &str) -> (u16, String, String) {
        let mount = |dialect, prefix: &str| Mount {
            dialect,
            prefix: prefix.to_owned(),
            hosts: vec![format!("{dialect}.Example.org")],
            ..Mount::default()
        };
        let settings = Settings {
            public_url: "https://auth.example.org:8443".to_owned(),
            mounts: vec![mount("telephone", "/telephone"), mount("gateway", "/gateway")],
            ..Settings::default()
        };
        let (method, target) = line.split_once(' ').unwrap();
        let body = Body::from_stream(futures_util::stream::poll_fn(
            |_| -> std::task::Poll<Option<Result<bytes::Bytes, std::io::Error>>> { panic!("the body is looked at") },
        ));
        let request = Request::builder().method(method).uri(target).header("host", host);
        let request = request.header("authorization", "Basic YW5uOnNlY3JldA==").body(body).unwrap();
        let answer = directions(&settings, &[TELEPHONE, GATEWAY]).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").map_or("", |at| at.to_str().unwrap()).to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
        (status, location, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_is_redirected_keeps_its_path_and_its_query() {
        for (line, location) in [
            ("POST /telephone/rest/auth?a=%2F&b=1", "https://auth.example.org:8443/telephone/rest/auth?a=%2F&b=1"),
            ("GET /telephone", "https://auth.example.org:8443/telephone"),
            ("DELETE /telephone/", "https://auth.example.org:8443/telephone/"),
            ("GET /", "https://auth.example.org:8443/"),
            ("HEAD /reset/abc", "https://auth.example.org:8443/reset/abc"),
        ] {
            assert_eq!(said(line, "auth.example.org").await, (302, location.to_owned(), String::new()), "{line}");
        }
        let at_host = said("PUT //rest/user?id=7", "TELEPHONE.example.org:80").await;
        assert_eq!((at_host.0, at_host.1.as_str()), (302, "https://telephone.example.org:8443//rest/user?id=7"));
    }

    #[tokio::test]
    async fn n43_a_redirect_leads_to_configured_names_only() {
        for (line, host) in [
            ("GET /telephone/x", "evil.example"),
            ("GET //evil.example/..", "telephone.example.org"),
            ("GET http://evil.example/telephone/x", "telephone.example.org"),
            ("GET /telephone/@evil.example", "evil.example@auth.example.org"),
        ] {
            let (status, location, _) = said(line, host).await;
            assert_eq!(status, 302, "{line}");
            let ours = ["https://auth.example.org:8443/", "https://telephone.example.org:8443/"];
            assert!(ours.iter().any(|ours| location.starts_with(ours)), "{line}: {location}");
        }
        assert_eq!(said("OPTIONS *", "telephone.example.org").await.0, 403);
    }

    #[tokio::test]
    async fn n66_every_other_api_is_refused_and_not_redirected() {
        for (line, host) in [
            ("POST /gateway/sign-up", "auth.example.org"),
            ("GET /", "gateway.example.org"),
            ("GET /telephone/rest/auth", "gateway.example.org"),
            ("GET /forward-auth", "auth.example.org"),
            ("GET /.well-known/jwks.json", "auth.example.org"),
            ("POST /api/v1/sessions", "auth.example.org"),
            ("POST /reset/abc", "auth.example.org"),
            ("POST /", "auth.example.org"),
            ("GET /telephonex", "auth.example.org"),
        ] {
            let expected =
                r#"{"code":"tls_required","status":403,"title":"come by https","type":"/problems/tls_required"}"#;
            assert_eq!(said(line, host).await, (403, String::new(), expected.to_owned()), "{line} at {host}");
        }
    }
}
