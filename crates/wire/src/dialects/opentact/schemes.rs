//! What a request shows: six methods in an order, of which the first that is there decides alone (sheet, section 2).
//!
//! Its public client sends several at once: a stale `X-Auth-Token` beside the Basic by which it renews that token, and an
//! administrator's Basic beside an ordinary user's token. So `Authorization` comes first, and nothing falls back.

use http::{HeaderMap, header, request::Parts};
use ringfence_core::{
    authority::PresentedCredential,
    federation::ProviderToken,
    identity::Identifier,
    project::ProjectRef,
    secret::{Password, RawToken},
};

use super::{error::Refusal, query::Parameters};
use crate::extract::{authorization, basic};

/// What is shown in a request.
#[derive(Debug)]
pub(super) struct Shown {
    /// How.
    pub(super) means: Means,
    /// What.
    pub(super) token: RawToken,
    /// Whether in the query, where logs of others see it.
    pub(super) in_query: bool,
}

/// One of the methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// E-mail address and password.
    Basic,
    /// A token of ours.
    Jwt,
    /// An identity token of Google.
    Google,
    /// An access token of Facebook, or an identity token of its Limited Login.
    Facebook,
    /// The hash that a SIP phone signs with.
    Ha1b,
    /// A key of somebody's own.
    Key,
}

/// A method that is a token in a header or in the query.
struct Method {
    means: Means,
    header: Option<&'static str>,
    parameter: &'static str,
}

/// In the order in which they decide. Keys in headers are bearers and come before all of these.
const METHODS: [Method; 5] = [
    Method { means: Means::Jwt, header: Some("x-auth-token"), parameter: "jwt" },
    Method { means: Means::Google, header: Some("x-auth-google-token"), parameter: "google_token" },
    Method { means: Means::Facebook, header: Some("x-auth-facebook-token"), parameter: "facebook_token" },
    Method { means: Means::Ha1b, header: Some("x-auth-ha1b-token"), parameter: "ha1b" },
    Method { means: Means::Key, header: None, parameter: "bearer" },
];

impl Shown {
    /// What decides in this request; nothing when nothing is shown.
    pub(super) fn in_request(parts: &Parts) -> Result<Option<Self>, Refusal> {
        let query = Parameters::of(&parts.uri);
        // Looked at first, so that what is sent twice is refused whatever decides.
        let mut tokens = Vec::with_capacity(METHODS.len());
        for method in &METHODS {
            let header = method.header.map_or(Ok(None), |name| single(&parts.headers, name))?;
            tokens.push((method.means, header, query.one(method.parameter)?));
        }
        single(&parts.headers, header::AUTHORIZATION.as_str())?;
        if let Some(shown) = Self::in_authorization(&parts.headers) {
            return Ok(Some(shown));
        }
        Ok(tokens.into_iter().find_map(|(means, header, parameter)| {
            let shown = |token: &str, in_query| Self { means, token: RawToken::new(token), in_query };
            header.map(|token| shown(token, false)).or_else(|| parameter.map(|token| shown(token, true)))
        }))
    }

    /// A scheme that nobody knows counts as absent.
    fn in_authorization(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default().trim();
        let (scheme, token) = authorization(headers).unwrap_or((value, ""));
        let means = match scheme.to_ascii_lowercase().as_str() {
            "basic" => Means::Basic,
            "bearer" => Means::Key,
            _ => return None,
        };
        Some(Self { means, token: RawToken::new(token), in_query: false })
    }

    /// User and password, if that is what is shown.
    pub(super) fn pair(&self) -> Option<(String, Password)> {
        if self.means == Means::Basic { basic(self.token.expose()) } else { None }
    }

    /// What is to be judged, for an account; nothing when it cannot be read.
    pub(super) fn of_account(self, project: ProjectRef) -> Option<PresentedCredential> {
        let federated = |provider, token| {
            let shown = ProviderToken { token, nonce: None };
            Some(PresentedCredential::Federated { project: project.clone(), provider, shown })
        };
        match self.means {
            Means::Basic => {
                let (user, password) = self.pair()?;
                Some(PresentedCredential::Password { project, identifier: Identifier::email(&user), password })
            }
            Means::Jwt => Some(PresentedCredential::AccessToken(self.token)),
            Means::Google => federated("google", self.token),
            Means::Facebook => federated("facebook", self.token),
            Means::Key => Some(PresentedCredential::ApiKey(self.token)),
            Means::Ha1b => None,
        }
    }

    /// The same for a SIP user, whose password goes with its address.
    pub(super) fn of_sip_user(self, project: ProjectRef) -> Option<PresentedCredential> {
        match self.means {
            Means::Basic => {
                let (user, password) = self.pair()?;
                let identifier = Identifier::of(Identifier::SIP, user);
                Some(PresentedCredential::Password { project, identifier, password })
            }
            Means::Ha1b => Some(PresentedCredential::Digest { project, ha1b: self.token }),
            _ => self.of_account(project),
        }
    }
}

/// The one value of a header that says something.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or("?").trim();
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
        (Some(_), Some(_)) => Err(Refusal::shown_twice()),
    }
}
