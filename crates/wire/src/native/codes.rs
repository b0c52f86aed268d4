//! Every code that a refusal of the native API may carry, each with a page of its own: one table, from which the pages are made
//! and against which docs/status-codes.md is tested.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};

use crate::{app::App, looks::Look};

/// A code and what it means.
#[derive(Debug)]
pub struct Code {
    /// The code.
    pub name: &'static str,
    /// The status it comes with; none for rules, which come inside `errors`.
    pub status: Option<u16>,
    /// What happened.
    pub meaning: &'static str,
    /// What the caller can do.
    pub remedy: &'static str,
}

const fn code(name: &'static str, status: u16, meaning: &'static str, remedy: &'static str) -> Code {
    Code { name, status: Some(status), meaning, remedy }
}

const fn rule(name: &'static str, meaning: &'static str) -> Code {
    Code { name, status: None, meaning, remedy: "Correct the field that is named beside it." }
}

const NEW_TOKEN: &str = "Get a new token.";

/// All of them.
pub const CODES: &[Code] = &[
    code(
        "invalid_credentials",
        401,
        "Wrong password, unknown identifier or unusable credential; never which of them.",
        "Sign in with other credentials.",
    ),
    code("token_expired", 401, "The time of the token or of its session is over.", "Refresh, or sign in again."),
    code("session_revoked", 401, "The session behind the token was ended or is not known any more.", "Sign in again."),
    code(
        "verification_invalid",
        400,
        "The one-time secret is unknown, used, superseded by a newer one, or expired.",
        "Ask for a new one.",
    ),
    code(
        "identity_suspended",
        403,
        "The identity is suspended, locked after too many failures, or erased.",
        "Reset the password if it is locked, else ask an administrator.",
    ),
    code("disabled", 403, "The project, the application or the membership is switched off.", "Ask an administrator."),
    code(
        "throttled",
        429,
        "Too many failures for this identifier or from this address.",
        "Wait as long as Retry-After says.",
    ),
    code(
        "step_up_required",
        403,
        "The session is genuine and not strong or not fresh enough for this.",
        "Sign in again, then repeat.",
    ),
    code(
        "app_mismatch",
        403,
        "The request names another application than its credential is good for.",
        "Name the right application.",
    ),
    code("forbidden", 403, "The caller is known and lacks the right that the title names.", "Ask for the right."),
    code("not_found", 404, "There is no such thing, or it belongs to somebody else.", "Correct the name."),
    code("conflict", 409, "It exists already.", "Use what is there, or another name."),
    code(
        "address_taken",
        409,
        "A guest wants an address that has an account already. The guest is left as it was.",
        "Sign in to that account and take the guest in with the merge ticket.",
    ),
    code(
        "invalid",
        422,
        "The input was understood and breaks rules; all of them are listed in errors.",
        "Correct the fields named in errors.",
    ),
    code(
        "not_supported",
        501,
        "This installation, project or application does not offer it.",
        "Use another way, or have it allowed.",
    ),
    code(
        "unavailable",
        503,
        "Something that we depend on does not answer, or has too much waiting. Nothing was changed.",
        "Try again after Retry-After.",
    ),
    code("internal", 500, "A defect or a broken invariant.", "Report it with the X-Request-Id of the answer."),
    code(
        "token_malformed",
        401,
        "Not a compact JWS of at most 16 KiB, its JSON is not strict, or its header asks for compression or extensions.",
        NEW_TOKEN,
    ),
    code("token_alg", 401, "The algorithm is unknown or not the one pinned to the key.", NEW_TOKEN),
    code("token_key", 401, "The key is unknown, no longer verifies, or the token tries to bring its own.", NEW_TOKEN),
    code("token_signature", 401, "The signature does not verify.", NEW_TOKEN),
    code("token_issuer", 401, "Signed by the right key for another issuer.", NEW_TOKEN),
    code("token_audience", 401, "Meant for another audience or another application.", NEW_TOKEN),
    code(
        "token_type",
        401,
        "A genuine token of another kind, such as a refresh token in place of an access token.",
        NEW_TOKEN,
    ),
    code("token_claims", 401, "A claim is missing, has the wrong JSON type or names nobody.", NEW_TOKEN),
    code("token_not_yet", 401, "It is not valid yet.", NEW_TOKEN),
    code("token_lifetime", 401, "It lives longer than its profile allows.", NEW_TOKEN),
    code("token_unknown", 401, "An opaque token that nobody issued, that has ended or that was revoked.", NEW_TOKEN),
    code(
        "body_malformed",
        400,
        "The body cannot be read.",
        "Send one JSON object, or the form that the description asks for.",
    ),
    code(
        "query_malformed",
        400,
        "The query has a member that is not known, missing or malformed.",
        "Send what the description lists.",
    ),
    code("path_malformed", 400, "A name in the path is not UTF-8.", "Encode it as UTF-8."),
    code(
        "cursor_invalid",
        400,
        "The cursor was made for another list, or by somebody else.",
        "Begin at the first page.",
    ),
    code(
        "token_in_query",
        400,
        "A token stands in the address, where logs keep it.",
        "Send it in the Authorization header, and have this one replaced.",
    ),
    code(
        "idempotency_key",
        400,
        "The Idempotency-Key has fewer than 16 or more than 128 characters, or others than printable ASCII.",
        "Use a UUID.",
    ),
    code(
        "idempotency_mismatch",
        422,
        "The Idempotency-Key was used for another request in the last 24 hours.",
        "Use a new key for each thing to be made.",
    ),
    code(
        "idempotency_unsettled",
        409,
        "The first request of this Idempotency-Key is still running, or its answer was lost with the server that ran it. It is not done again.",
        "Wait, then look whether the thing was made.",
    ),
    code(
        "origin_not_allowed",
        403,
        "A page of this origin may not use the application, or a page shows an API key.",
        "Have the origin allowed; keep API keys on servers.",
    ),
    code(
        "method_not_allowed",
        405,
        "The address exists and not for this method.",
        "Use a method that the description lists.",
    ),
    code("media_type", 415, "The body has another media type than is read here.", "Say which it is in Content-Type."),
    code("content_encoding", 415, "The body is compressed.", "Send the body as it is."),
    code("body_too_large", 413, "The body is larger than 1 MiB.", "Send less."),
    code(
        "tls_required",
        403,
        "The request came without TLS; nobody looked at it.",
        "Come by https, and replace a secret that was sent.",
    ),
    rule("required", "Must be there."),
    rule("unknown", "Is not known here."),
    rule("malformed", "Not of the expected shape."),
    rule("too_short", "Fewer characters than allowed; the detail says how many are."),
    rule("too_long", "More characters than allowed; the detail says how many are."),
    rule("too_many", "There are as many already as there may be."),
    rule("common", "A password that is too easy to guess, or made of the user's own name or address."),
    rule("unchanged", "The same as the present one."),
    rule(
        "key_too_weak",
        "A key or secret of fewer than 32 bytes, or a guessable one; an API key of fewer than 22 characters.",
    ),
    rule("key_rejected", "Not a usable key."),
];

/// The pages.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/problems/{code}", get(show))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    look: &'a Look,
    code: &'static Code,
}

async fn show(look: Look, Path(name): Path<String>) -> Response {
    match CODES.iter().find(|code| code.name == name) {
        Some(code) => look.show(&ProblemPage { look: &look, code }),
        None => look.not_found(),
    }
}
