//! The authorization code flow (RFC 6749 4.1 with RFC 7636), as a client of a provider.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{StatusCode, Url};
use ringfence_core::{
    error::{AuthError, TokenFault},
    federation::{CodeAnswer, CodeRequest},
    secret::RawToken,
};
use url::form_urlencoded;

use super::{address::Reach, outgoing::Outgoing};

const PROVIDER: &str = "the identity provider";

/// A client that a provider knows, and where it is served.
pub struct CodeClient<'a> {
    pub authorization_url: &'a Url,
    pub token_url: &'a Url,
    pub client_id: &'a str,
    pub client_secret: &'a RawToken,
    pub issuers: &'a [String],
    /// Whether the provider always says who it is (RFC 9207).
    pub says_issuer: bool,
    pub reach: Reach,
}

impl CodeClient<'_> {
    /// Where the browser goes.
    pub fn sign_in_url(&self, wanted: &CodeRequest) -> String {
        let mut url = self.authorization_url.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", &wanted.redirect_uri),
            ("scope", "openid email profile"),
            ("state", &wanted.state),
            ("nonce", &wanted.nonce),
            ("code_challenge", &wanted.challenge),
            ("code_challenge_method", "S256"),
        ]);
        url.into()
    }

    /// Redeems a code for an ID token.
    pub async fn redeem(&self, outgoing: &Outgoing, answer: &CodeAnswer) -> Result<RawToken, AuthError> {
        self.refuse_mix_up(answer.issuer.as_deref())?;
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("code", answer.code.expose()),
                ("redirect_uri", &answer.redirect_uri),
                ("code_verifier", answer.verifier.expose()),
            ])
            .finish();
        let answered = outgoing.post(PROVIDER, self.token_url.clone(), self.reach, self.basic(), form).await?;
        match answered.status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST if answered.body["error"] == "invalid_grant" => {
                return Err(AuthError::VerificationInvalid);
            }
            // Anything else is about ourselves.
            status => return Err(down(format!("a code was answered with {status}"))),
        }
        let token = answered.body["id_token"].as_str().ok_or_else(|| down("it gave no ID token".to_owned()))?;
        Ok(RawToken::new(token))
    }

    /// A code that another provider gave is not shown to this one (RFC 9207 2.4, ATTACKS N41). One that names nobody is for
    /// this one, because each provider sends to an address of its own (RFC 9700 4.4.2), unless it always says who it is.
    fn refuse_mix_up(&self, said: Option<&str>) -> Result<(), AuthError> {
        let fits = match said {
            Some(said) => self.issuers.iter().any(|own| own == said),
            None => !self.says_issuer,
        };
        if fits { Ok(()) } else { Err(TokenFault::Issuer.into()) }
    }

    /// The client's own credentials (RFC 6749 2.3.1).
    fn basic(&self) -> String {
        let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let both = format!("{}:{}", part(self.client_id), part(self.client_secret.expose()));
        format!("Basic {}", STANDARD.encode(both))
    }
}

fn down(source: String) -> AuthError {
    AuthError::Unavailable { what: PROVIDER, source: source.into() }
}
