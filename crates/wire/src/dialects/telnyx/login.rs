//! `login` and `anonymous_login` (sheet, 3.2 and 3.5): what is presented, and which session it becomes on this socket.

use ringfence_core::{
    authority::{Authenticated, Authority, GuestTicket, PresentedCredential},
    context::Ctx,
    error::{AuthError, Noun},
    identity::{Identifier, Profile},
    ids::SessionId,
    presence::InboundPolicy,
    project::ProjectRef,
    secret::{Password, RawToken, TokenKind},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::voice::VoiceId;

/// The parameters of `login` that count.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names on the wire")]
struct Login {
    login: Option<String>,
    passwd: Option<Password>,
    login_token: Option<RawToken>,
}

/// The parameters of `anonymous_login` that count.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names on the wire")]
struct Anonymous {
    target_type: String,
    target_id: String,
    target_params: Option<TargetParams>,
}

#[derive(Deserialize)]
struct TargetParams {
    conversation_id: Option<String>,
}

/// Somebody who passed the gate on this socket.
pub(super) struct Admitted {
    pub(super) who: Authenticated,
    /// A guest's, which carries its ticket.
    pub(super) voice: Option<VoiceId>,
    /// The conversation that a guest goes on with.
    pub(super) conversation: Option<String>,
}

/// Longer ids of conversations are nobody's.
const MOST_CONVERSATION: usize = 128;

/// Judges a `login`. With both a name with its password and a token, the pair counts (sheet, row 11).
pub(super) async fn by_credential(
    authority: &Authority,
    ctx: &Ctx,
    project: ProjectRef,
    params: Map<String, Value>,
) -> Result<Admitted, AuthError> {
    let login: Login = read(params)?;
    let who = match login {
        Login { login: Some(name), passwd: Some(password), .. }
            if !name.is_empty() && !password.expose().is_empty() =>
        {
            let identifier = Identifier::of(Identifier::SIP, name);
            authority.sign_in(ctx, PresentedCredential::Password { project, identifier, password }).await?
        }
        Login { login_token: Some(token), .. } => {
            authority.authenticate(ctx, PresentedCredential::AccessToken(token)).await?
        }
        Login { .. } => return Err(AuthError::InvalidCredentials),
    };
    // A token of another face is good there and not here.
    let ours = who.session.as_ref().is_some_and(|session| session.dialect == ctx.dialect);
    if who.endpoint.is_none() || !ours {
        return Err(AuthError::InvalidCredentials);
    }
    Ok(Admitted { who, voice: None, conversation: None })
}

/// Judges an `anonymous_login`: a guest who shows the ticket of its tab is the same guest again.
pub(super) async fn by_target(
    authority: &Authority,
    ctx: &Ctx,
    project: ProjectRef,
    params: Map<String, Value>,
    shown: &VoiceId,
) -> Result<Admitted, AuthError> {
    let wanted: Anonymous = read(params)?;
    let visit = |ticket| PresentedCredential::Guest {
        project: project.clone(),
        profile: Profile::default(),
        attributes: Map::new(),
        target: Some((wanted.target_type.clone(), wanted.target_id.clone())),
        ticket: Some(ticket),
    };
    let known = match shown.ticket() {
        Some(ticket) => match authority.sign_in(ctx, visit(GuestTicket::Known(ticket))).await {
            // Over, of another target, or nobody's: a new guest comes in as any other does.
            Err(AuthError::NotFound(Noun::Session) | AuthError::TokenExpired) => None,
            known => Some((known?, shown.clone())),
        },
        None => None,
    };
    let (who, voice) = if let Some(known) = known {
        known
    } else {
        let ticket = TokenKind::GuestTicket.mint(authority.entropy().as_ref());
        let voice = VoiceId::of_ticket(&ticket);
        (authority.sign_in(ctx, visit(GuestTicket::New(ticket))).await?, voice)
    };
    let conversation = wanted.target_params.and_then(|params| params.conversation_id).filter(|name| !name.is_empty());
    if let Some(name) = &conversation {
        if name.len() > MOST_CONVERSATION {
            return Err(AuthError::NotFound(Noun::Identifier));
        }
        authority.hold_conversation(ctx, &who, name).await?;
    }
    Ok(Admitted { who, voice: Some(voice), conversation })
}

fn read<T: serde::de::DeserializeOwned>(params: Map<String, Value>) -> Result<T, AuthError> {
    serde_json::from_value(Value::Object(params)).map_err(|_| AuthError::InvalidCredentials)
}

/// The name that a session goes by on the wire: the one that the client remembers if it is its own, else the session's.
///
/// It comes from the storage of a page and proves nothing (sheet, 3.8).
pub(super) async fn sessid(
    authority: &Authority,
    who: &Authenticated,
    remembered: Option<&str>,
) -> Result<(SessionId, bool), AuthError> {
    let own = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
    match remembered.and_then(|text| text.parse::<SessionId>().ok()) {
        Some(remembered) if remembered == own || authority.owns_session(who, remembered).await? => {
            Ok((remembered, true))
        }
        _ => Ok((own, false)),
    }
}

/// Which device is called: the connection may say whether all are (sheet, 3.9), else the project.
pub(super) fn inbound(who: &Authenticated) -> InboundPolicy {
    let group = who.endpoint.as_ref().and_then(|endpoint| endpoint.group.attributes.get(super::NAME));
    match group.and_then(|telnyx| telnyx.pointer("/inbound/simultaneous_ringing")).and_then(Value::as_str) {
        Some("enabled") => InboundPolicy::All,
        Some("disabled") if who.inbound() == InboundPolicy::All => InboundPolicy::Newest,
        _ => who.inbound(),
    }
}
