//! Refusals: problem details (RFC 9457) with a stable `code`, whose page is `type`.

use axum::{
    extract::rejection::FormRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{
    error::{AuthError, Rule},
    secret::RawToken,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::error::Category;
use utoipa::ToSchema;

use super::guard::RetryAt;
use crate::problem::{log_refusal, retry_after, status};

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
    /// The query cannot be read.
    Query,
    /// A name in the path cannot be read.
    Path,
    /// The address exists and not for this method.
    Method,
    /// The cursor was made for another list.
    Cursor,
    /// A token stands in the address.
    TokenInQuery,
    /// The page may not use the application.
    Origin,
    /// Not a key for [`once`](super::once).
    IdempotencyKey,
    /// The key was used for another request.
    IdempotencyMismatch,
    /// The key's first request has no answer.
    IdempotencyUnsettled,
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

    /// A member that is not what it should be.
    pub(super) fn malformed(field: &'static str) -> Self {
        AuthError::invalid(field, Rule::Malformed).into()
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
            Self::Query => "query_malformed",
            Self::Path => "path_malformed",
            Self::Method => "method_not_allowed",
            Self::Cursor => "cursor_invalid",
            Self::TokenInQuery => "token_in_query",
            Self::Origin => "origin_not_allowed",
            Self::IdempotencyKey => "idempotency_key",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::IdempotencyUnsettled => "idempotency_unsettled",
        }
    }

    fn title(&self) -> String {
        let text = match self {
            Self::Refused(error) => return error.to_string(),
            Self::Malformed => "the body cannot be read",
            Self::Member(_) => "the input is invalid",
            Self::MediaType => "the body has another media type than is read here",
            Self::TooLarge => "the body is larger than 1 MiB",
            Self::Query => "the query has a member that is not known, missing or malformed",
            Self::Path => "a name in the path cannot be read",
            Self::Method => "this method is not allowed",
            Self::Cursor => "the cursor is not of this list",
            Self::TokenInQuery => "a token must not stand in the address",
            Self::Origin => "pages of this origin may not use this",
            Self::IdempotencyKey => "the Idempotency-Key is not 16 to 128 printable characters",
            Self::IdempotencyMismatch => "the Idempotency-Key was used for another request",
            Self::IdempotencyUnsettled => "the first request of this Idempotency-Key has no answer",
        };
        text.to_owned()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(error) => status(error),
            Self::Malformed | Self::Query | Self::Path | Self::Cursor | Self::TokenInQuery | Self::IdempotencyKey => {
                StatusCode::BAD_REQUEST
            }
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::IdempotencyUnsettled => StatusCode::CONFLICT,
            Self::Member(_) | Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
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
        let wait = match &self {
            Self::Refused(AuthError::Throttled { retry_at }) => Some(Wait::Until(*retry_at)),
            // Says for how long by itself, whatever time it is.
            Self::Refused(error) => retry_after(error, Timestamp::default()).map(Wait::Seconds),
            _ => None,
        };
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
            _ => vec![],
        };
        let details = Details { r#type: format!("/problems/{code}"), title, status: status.as_u16(), code, errors };
        let mut response = (status, axum::Json(details)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match wait {
            Some(Wait::Until(moment)) => drop(response.extensions_mut().insert(RetryAt(moment))),
            Some(Wait::Seconds(seconds)) => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            None => {}
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

enum Wait {
    /// The guard knows what time it is.
    Until(Timestamp),
    Seconds(u64),
}

/// A guest's address has an account already.
#[derive(Serialize, ToSchema)]
pub(super) struct TakenAddress {
    #[serde(flatten)]
    details: Details,
    /// Whoever signs in to that account may take the guest in with this, within ten minutes. Absent when the caller is no guest.
    #[schema(required = false)]
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
