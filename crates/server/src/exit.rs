//! What the process says of itself when it ends: 0 done, 1 refused, 2 could not run.

use std::{fmt, io, process::ExitCode};

use ringfence_core::error::AuthError;
use serde_json::json;

use crate::{
    output::{Output, complain},
    scrub::scrub,
};

/// A refusal of the command line's own, for what is asked for and may not be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    /// An error with this text.
    pub fn because(text: impl fmt::Display) -> anyhow::Error {
        Self(text.to_string()).into()
    }
}

/// The code of an error: what the caller may do about it.
fn code(error: &anyhow::Error) -> u8 {
    let refused = error.chain().any(|cause| {
        let refusal = cause.downcast_ref::<AuthError>();
        cause.is::<Refused>()
            || refusal.is_some_and(|refusal| !matches!(refusal, AuthError::Unavailable { .. } | AuthError::Internal(_)))
    });
    if refused { 1 } else { 2 }
}

/// Whether somebody stopped reading what we print, as `head` does: no reason to complain.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    };
    error.chain().any(broken) && error.chain().all(|cause| !cause.is::<AuthError>())
}

/// Prints the error with its causes and gives the exit code.
pub fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let code = code(error);
    if output.is_json() {
        let refusal = error.chain().find_map(|cause| cause.downcast_ref::<AuthError>());
        let name = refusal.map_or(if code == 1 { "refused" } else { "failed" }, AuthError::code);
        let causes: Vec<_> = error.chain().skip(1).map(|cause| scrub(&cause.to_string()).into_owned()).collect();
        let message = scrub(&error.to_string()).into_owned();
        complain(&json!({ "error": { "code": name, "message": message, "causes": causes } }).to_string());
    } else {
        let lines: Vec<_> = error.chain().map(ToString::to_string).collect();
        complain(&scrub(&format!("ringfence: {}", lines.join("\n  because: "))));
    }
    ExitCode::from(code)
}

/// Adds the violations to an error that only says "the input is invalid".
pub fn explain(error: AuthError) -> anyhow::Error {
    match &error {
        AuthError::Invalid(violations) => {
            let rules: Vec<_> = violations.iter().map(ToString::to_string).collect();
            let text = rules.join("; ");
            anyhow::Error::new(error).context(text)
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_core::error::{Noun, Rule};

    use super::*;

    #[test]
    fn refusals_are_1_and_failures_2() {
        assert_eq!(code(&anyhow::Error::from(AuthError::NotFound(Noun::Project)).context("cannot")), 1);
        assert_eq!(code(&Refused::because("no")), 1);
        assert_eq!(code(&anyhow::Error::from(AuthError::internal("disk"))), 2);
        assert_eq!(code(&anyhow::anyhow!("no file")), 2);
    }

    #[test]
    fn an_invalid_input_says_which_rule_it_breaks() {
        let error = explain(AuthError::invalid("password", Rule::TooShort(8)));
        assert_eq!(error.to_string(), "password needs at least 8 characters");
        assert_eq!(code(&error), 1);
    }
}
