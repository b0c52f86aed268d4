//! What a page may do: the one place where a content security policy is written.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

/// What a page may do. Nothing inline and nothing from elsewhere, ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy(&'static str);

/// What all policies begin with.
macro_rules! policy {
    ($($more:literal),*) => {
        Policy(concat!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            $("; ", $more),*
        ))
    };
}

impl Policy {
    /// Shows, and sends forms.
    pub(crate) const PLAIN: Self = policy!();
    /// Our script as well, which makes no markup of text (Trusted Types) and asks nobody but us.
    pub(crate) const SCRIPT: Self = policy!(
        "script-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'"
    );
    /// The same, and shows documents of ours in frames.
    pub(crate) const SCRIPT_AND_FRAMES: Self = policy!(
        "script-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "frame-src 'self'"
    );
    /// Shows documents of ours in frames.
    pub(crate) const FRAMES: Self = policy!("frame-src 'self'");
    /// What others wrote, in a frame of ours: no script, no form, no origin, nothing loaded, links open beside it.
    pub(crate) const FOREIGN: Self = Self(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox \
         allow-popups allow-popups-to-escape-sandbox",
    );

    /// An answer under this policy.
    pub(crate) fn on(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.0));
        response
    }
}
