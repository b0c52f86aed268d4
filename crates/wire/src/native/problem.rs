//! Refusals: problem details (RFC 9457) with a stable `code`, whose page is `type`.

use axum::{
    extract::rejection::FormRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{error::AuthError, secret::RawToken};
use serde::Serialize;
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::problem::{log_refusal, status};

/// A refusal on its way out.
#[derive(Debug)]
pub(super) enum Problem {
    /// Of the domain.
    Refused(AuthError),
    /// The body cannot be read.
    Malformed,
    /// A member of the body is not what it should be.
    Member(Fault),
    /// The body is of another media type.
    MediaType,
    /// The body is too large.
    TooLarge,
}

/// What is wrong with a member.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fault {
    /// The member, as a path.
    field: String,
    /// What is wrong, for programs.
    code: String,
    /// The same for people.
    detail: String,
}

/// A refusal.
#[derive(Serialize, ToSchema)]
pub(super) struct Details {
    /// Where the code is explained.
    r#type: String,
    /// What happened.
    title: String,
    /// The status of the answer.
    status: u16,
    /// The stable code.
    code: &'static str,
    /// What is wrong with which member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self::Refused(error)
    }
}

impl Problem {
    /// What reading a body stumbled over; never what stood there, which may be a secret.
    pub(super) fn member(path: &str, error: &serde_json::Error) -> Self {
        if error.classify() != Category::Data {
            return Self::Malformed;
        }
        let text = error.to_string();
        let named = text.split('`').nth(1).unwrap_or_default();
        let below = |name: &str| if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        let (field, code, detail) = if text.starts_with("missing field") {
            (below(named), "required", "is required")
        } else if text.starts_with("unknown field") {
            (path.to_owned(), "unknown", "is not known here")
        } else {
            (path.to_owned(), "malformed", "is malformed")
        };
        Self::Member(Fault { detail: format!("{field} {detail}"), field, code: code.to_owned() })
    }

    /// A form that cannot be read.
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn of_form(rejection: FormRejection) -> Self {
        match rejection {
            FormRejection::InvalidFormContentType(_) => Self::MediaType,
            FormRejection::BytesRejection(_) => Self::TooLarge,
            _ => Self::Malformed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Malformed => "body_malformed",
            Self::Member(_) => "invalid",
            Self::MediaType => "media_type",
            Self::TooLarge => "body_too_large",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::Malformed => "the body cannot be read".to_owned(),
            Self::Member(_) => "the input is invalid".to_owned(),
            Self::MediaType => "the body has another media type than is read here".to_owned(),
            Self::TooLarge => "the body is larger than 1 MiB".to_owned(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(error) => status(error),
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Member(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Refused(error) = &self {
            log_refusal(error);
        }
        let (status, code, title) = (self.status(), self.code(), self.title());
        let errors = match self {
            Self::Member(fault) => vec![fault],
            Self::Refused(AuthError::Invalid(violations)) => violations
                .iter()
                .map(|violation| Fault {
                    field: violation.field.to_owned(),
                    code: violation.rule.code().to_owned(),
                    detail: violation.to_string(),
                })
                .collect(),
            Self::Refused(_) | Self::Malformed | Self::MediaType | Self::TooLarge => vec![],
        };
        let details = Details { r#type: format!("/problems/{code}"), title, status: status.as_u16(), code, errors };
        let mut response = (status, axum::Json(details)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A guest's address has an account already.
#[derive(Serialize, ToSchema)]
pub(super) struct TakenAddress {
    #[serde(flatten)]
    details: Details,
    /// Whoever signs in to that account may take the guest in with this, within ten minutes.
    merge_ticket: String,
}

impl TakenAddress {
    pub(super) fn with(ticket: &RawToken) -> Self {
        let code = "address_taken";
        let title = "the address has an account already".to_owned();
        let status = StatusCode::CONFLICT.as_u16();
        let details = Details { r#type: format!("/problems/{code}"), title, status, code, errors: vec![] };
        Self { details, merge_ticket: ticket.expose().to_owned() }
    }
}

impl IntoResponse for TakenAddress {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CONFLICT, axum::Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
