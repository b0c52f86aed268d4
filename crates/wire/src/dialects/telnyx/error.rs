//! Refusals as lists of errors with codes (sheet, 1.2). The clients choose their exception by the status alone.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{
    error::{AuthError, Noun, Rule, Violation},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::json;

use crate::problem::{log_refusal, retry_after};

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    errors: Errors,
    retry_after: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Errors {
    /// The envelope of every refusal …
    List(Vec<Fault>),
    /// … but one.
    Expired { status: &'static str },
}

/// One error of the envelope.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    code: &'static str,
    title: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    meta: Meta,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Pointer(String),
    Parameter(String),
}

#[derive(Debug, Serialize)]
struct Meta {
    url: String,
}

/// The published codes that are used here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Code {
    Missing,
    NotFound,
    InvalidId,
    Unexpected,
    Unauthenticated,
    Unauthorized,
    TooMany,
    Duplicate,
    Association,
    Bad,
}

impl Code {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("10004", "Missing required parameter"),
            Self::NotFound => ("10005", "Resource not found"),
            Self::InvalidId => ("10006", "Invalid ID"),
            Self::Unexpected => ("10007", "Unexpected error"),
            Self::Unauthenticated => ("10009", "Authentication failed"),
            Self::Unauthorized => ("10010", "Authorization failed"),
            Self::TooMany => ("10011", "Too many requests"),
            Self::Duplicate => ("10012", "Duplicate resource"),
            Self::Association => ("10013", "Missing association"),
            Self::Bad => ("10015", "Bad Request"),
        }
    }
}

impl Fault {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        let (code, title) = code.words();
        let url = format!("https://developers.telnyx.com/docs/overview/errors/{code}");
        Self { code, title, detail: detail.into(), source: None, meta: Meta { url } }
    }

    /// About a member of the body, by JSON pointer.
    pub(super) fn of_field(code: Code, pointer: &str, detail: impl Into<String>) -> Self {
        Self { source: Some(Source::Pointer(pointer.to_owned())), ..Self::new(code, detail) }
    }

    /// About a parameter of the query.
    pub(super) fn of_parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { source: Some(Source::Parameter(name.to_owned())), ..Self::new(Code::Bad, detail) }
    }
}

impl Refusal {
    fn new(status: StatusCode, faults: Vec<Fault>) -> Self {
        Self { status, errors: Errors::List(faults), retry_after: None }
    }

    fn one(status: StatusCode, code: Code, detail: &str) -> Self {
        Self::new(status, vec![Fault::new(code, detail)])
    }

    /// Members of the body that break rules.
    pub(super) fn of_fields(faults: Vec<Fault>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, faults)
    }

    /// Parameters of the query that cannot be read.
    pub(super) fn of_query(fault: Fault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, vec![fault])
    }

    /// A body that is no JSON object.
    pub(super) fn malformed() -> Self {
        Self::one(StatusCode::BAD_REQUEST, Code::Bad, "The request body is not a JSON object.")
    }

    /// A body that could not be read to its end.
    pub(super) fn unread() -> Self {
        Self::one(StatusCode::PAYLOAD_TOO_LARGE, Code::Bad, "The request body is too large or did not arrive whole.")
    }

    /// An id that nothing here can have.
    pub(super) fn invalid_id() -> Self {
        Self::one(StatusCode::NOT_FOUND, Code::InvalidId, "The ID is not valid.")
    }

    /// A path or a method that is not there.
    pub(super) fn nothing_here() -> Self {
        Self::one(StatusCode::NOT_FOUND, Code::NotFound, "The requested resource or URL could not be found.")
    }

    /// A key that was not shown or is nobody's.
    pub(super) fn unknown_key() -> Self {
        let detail = "No key found matching the API key that was provided in the Authorization header.";
        Self::one(StatusCode::UNAUTHORIZED, Code::Unauthenticated, detail)
    }

    /// A key in a page.
    pub(super) fn from_a_page() -> Self {
        Self::one(StatusCode::FORBIDDEN, Code::Unauthorized, "API keys are for back ends, not for web pages.")
    }

    /// A key that did not pass the gate. Whatever the reason, from outside it is no key.
    pub(super) fn at_the_gate(error: &AuthError, now: Timestamp) -> Self {
        match error {
            AuthError::Throttled { .. } | AuthError::Unavailable { .. } | AuthError::Internal(_) => {
                Self::of(error, now)
            }
            AuthError::InvalidCredentials
            | AuthError::TokenInvalid(_)
            | AuthError::TokenExpired
            | AuthError::SessionRevoked
            | AuthError::VerificationInvalid
            | AuthError::IdentitySuspended
            | AuthError::Disabled(_)
            | AuthError::StepUpRequired { .. }
            | AuthError::ApplicationMismatch
            | AuthError::Forbidden { .. }
            | AuthError::NotFound(_)
            | AuthError::Conflict(_)
            | AuthError::Invalid(_)
            | AuthError::NotSupported(_) => {
                log_refusal(error);
                Self::unknown_key()
            }
        }
    }

    /// What an operation refuses.
    pub(super) fn of(error: &AuthError, now: Timestamp) -> Self {
        log_refusal(error);
        Self { retry_after: retry_after(error, now), ..render(error) }
    }
}

fn render(error: &AuthError) -> Refusal {
    use StatusCode as S;
    match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked
        | AuthError::StepUpRequired { .. } => Refusal::unknown_key(),
        AuthError::IdentitySuspended => unprocessable(Code::Bad, "The credential has expired or may not be used."),
        AuthError::Disabled(noun) => unprocessable(Code::Bad, &format!("The {} is not active.", word(*noun))),
        AuthError::ApplicationMismatch => {
            Refusal::one(S::FORBIDDEN, Code::Unauthorized, "The API key is not for this application.")
        }
        AuthError::Forbidden { needs } => {
            let detail = format!("The API key does not have the scope {needs}.");
            Refusal::one(S::FORBIDDEN, Code::Unauthorized, &detail)
        }
        AuthError::NotFound(noun) => {
            let detail = format!("There is no such {}.", word(*noun));
            Refusal::one(S::NOT_FOUND, Code::NotFound, &detail)
        }
        AuthError::Conflict(_) => {
            let taken = Fault::of_field(Code::Duplicate, "/user_name", "This user name is taken.");
            Refusal::of_fields(vec![taken])
        }
        AuthError::Invalid(violations) => Refusal::of_fields(violations.iter().map(fault).collect()),
        AuthError::VerificationInvalid => unprocessable(Code::Bad, "The secret is not valid."),
        AuthError::NotSupported(what) => unprocessable(Code::Bad, &format!("Not enabled here: {what}.")),
        AuthError::Throttled { .. } => {
            Refusal::one(S::TOO_MANY_REQUESTS, Code::TooMany, "You have exceeded the maximum number of requests.")
        }
        AuthError::Unavailable { .. } => {
            Refusal::one(S::SERVICE_UNAVAILABLE, Code::Unexpected, "The service is busy. Try again later.")
        }
        AuthError::Internal(_) => {
            Refusal::one(S::INTERNAL_SERVER_ERROR, Code::Unexpected, "An unexpected error occurred.")
        }
    }
}

fn unprocessable(code: Code, detail: &str) -> Refusal {
    Refusal::one(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
}

/// What the thing is called here.
const fn word(noun: Noun) -> &'static str {
    match noun {
        Noun::EndpointGroup => "credential connection",
        Noun::Identity | Noun::Identifier | Noun::Credential => "telephony credential",
        Noun::Project => "account",
        Noun::Application
        | Noun::Issuer
        | Noun::Session
        | Noun::Membership
        | Noun::Invitation
        | Noun::SigningKey
        | Noun::GuestTarget
        | Noun::Webhook
        | Noun::Delivery
        | Noun::SipDomain
        | Noun::Administrator
        | Noun::Passkey
        | Noun::Endpoint => "resource",
    }
}

fn fault(broken: &Violation) -> Fault {
    let pointer = match broken.field {
        "name" => "/connection_name".to_owned(),
        other => format!("/{other}"),
    };
    let code = if broken.rule == Rule::Required { Code::Missing } else { Code::Bad };
    Fault::of_field(code, &pointer, format!("{} {}.", &pointer[1..], broken.rule))
}

/// The words of single operations.
impl Refusal {
    /// An association of a credential with a connection that is not there.
    pub(super) fn associating(now: Timestamp) -> impl Fn(AuthError) -> Self {
        move |error| {
            let unknown = matches!(error, AuthError::NotFound(Noun::EndpointGroup));
            if unknown { Self::no_such_connection() } else { Self::of(&error, now) }
        }
    }

    /// A `connection_id` that names nothing.
    pub(super) fn no_such_connection() -> Self {
        let detail = "There is no such credential connection.";
        Self::of_fields(vec![Fault::of_field(Code::Association, "/connection_id", detail)])
    }

    /// A change of a credential: for an expired one the reference has another shape.
    pub(super) fn changing(now: Timestamp) -> impl Fn(AuthError) -> Self {
        move |error| {
            if !matches!(error, AuthError::IdentitySuspended) {
                return Self::associating(now)(error);
            }
            let errors = Errors::Expired { status: "An expired credential cannot be changed." };
            Self { status: StatusCode::UNPROCESSABLE_ENTITY, errors, retry_after: None }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "errors": self.errors }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
