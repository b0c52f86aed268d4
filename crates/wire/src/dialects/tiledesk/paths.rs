//! Paths as its clients write them: in any case, with a slash at the end, below the prefixes of its reverse proxies.

use std::sync::LazyLock;

use axum::extract::Request;
use http::{Uri, uri::PathAndQuery};

use super::ENDPOINTS;

/// Prefixes that its hosted service and its images put before every route.
const PREFIXES: [&str; 4] = ["v1", "v2", "v3", "api"];

/// The request with the path that the routes are written for. Only words of routes are re-spelt, never an id or a secret.
pub(super) fn canonical(mut request: Request) -> Request {
    let path = spelt(request.uri().path());
    if path != request.uri().path() {
        let text = match request.uri().query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        let mut parts = request.uri().clone().into_parts();
        if let Ok(text) = text.parse::<PathAndQuery>() {
            parts.path_and_query = Some(text);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}

fn spelt(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let below = if PREFIXES.iter().any(|prefix| prefix.eq_ignore_ascii_case(first)) { rest } else { path };
    let mut text = String::with_capacity(path.len() + 1);
    for segment in below.split('/') {
        text.push('/');
        text.push_str(word(segment).unwrap_or(segment));
    }
    text
}

/// The words of the routes, each once.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let segments = ENDPOINTS.iter().flat_map(|endpoint| endpoint.path.split('/'));
    let mut words: Vec<_> = segments.filter(|word| !word.is_empty() && !word.starts_with('{')).collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// The spelling in which the routes have this word, if it is one of theirs.
fn word(segment: &str) -> Option<&'static str> {
    WORDS.iter().copied().find(|word| word.eq_ignore_ascii_case(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_slash_and_prefix_make_no_difference() {
        for path in
            ["/auth/signin", "/auth/signin/", "/AUTH/SignIn", "/v1/auth/signin", "/V3/auth/signin/", "/api/auth/signin"]
        {
            assert_eq!(spelt(path), "/auth/signin", "{path}");
        }
        assert_eq!(spelt("/auth/signinanonymously"), "/auth/signinAnonymously");
    }

    #[test]
    fn ids_and_secrets_stay_as_they_are() {
        assert_eq!(spelt("/Auth/ResetPsw/rfv_AbC-x/"), "/auth/resetpsw/rfv_AbC-x");
        assert_eq!(spelt("/5C81/Keys/GENERATE"), "/5C81/keys/generate");
    }

    #[test]
    fn only_one_prefix_is_taken_away() {
        assert_eq!(spelt("/v1/v2/auth/signin"), "/v2/auth/signin");
        assert_eq!(spelt("/"), "/");
        assert_eq!(spelt("/v3"), "/");
    }

    #[test]
    fn a_query_stays() {
        let request = Request::builder().uri("/V1/testauth/?secret_token=AbC").body(axum::body::Body::empty()).unwrap();
        assert_eq!(canonical(request).uri(), "/testauth?secret_token=AbC");
    }
}
