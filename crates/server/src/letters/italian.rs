//! Letters in Italian.

use ringfence_core::mail::Message;

use super::{Draft, named};

/// What the message says.
pub(super) fn letter(message: &Message, sender: &str) -> Draft {
    match message {
        Message::PasswordReset { link, minutes } => Draft {
            subject: format!("{sender}: scelga una nuova password"),
            before: "Qualcuno, probabilmente Lei, ha chiesto una nuova password. Per sceglierla, apra questo link:"
                .to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Il link vale una sola volta, per {}. Se non ha chiesto nulla, ignori questo messaggio; la Sua password resta la stessa.",
                span(*minutes)
            ),
        },
        Message::VerifyEmail { link, minutes } => Draft {
            subject: format!("{sender}: confermi il Suo indirizzo e-mail"),
            before: "Per confermare che questo indirizzo è Suo, apra questo link:".to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Il link vale una sola volta, per {}. Se non ha creato un account, ignori questo messaggio.",
                span(*minutes)
            ),
        },
        Message::Invitation { link, inviter, application } => Draft {
            subject: format!("{sender}: Lei è invitato a {application}"),
            before: format!(
                "{} La invita a {application}. Per accettare, apra questo link:",
                named(inviter, "Qualcuno")
            ),
            link: Some(link.clone()),
            after: "Se non sa di che cosa si tratta, ignori questo messaggio.".to_owned(),
        },
        Message::PasswordChanged => Draft {
            subject: format!("{sender}: la Sua password è stata cambiata"),
            before: "La Sua password è stata cambiata e tutte le sessioni sono state chiuse.".to_owned(),
            link: None,
            after: "Se non è stato Lei, chieda subito una nuova password e avvisi il servizio.".to_owned(),
        },
        Message::EmailChanged => Draft {
            subject: format!("{sender}: il Suo indirizzo e-mail è stato cambiato"),
            before: "Il Suo account ha ora un altro indirizzo e-mail. Questo non ne fa più parte.".to_owned(),
            link: None,
            after: "Se non è stato Lei, avvisi subito il servizio.".to_owned(),
        },
        Message::ApiKeyMade => Draft {
            subject: format!("{sender}: il Suo account ha una nuova chiave API"),
            before: "Per il Suo account è stata creata una chiave API. Chi la possiede può agire a Suo nome finché non scade o non viene revocata.".to_owned(),
            link: None,
            after: "Se non è stato Lei, chieda subito una nuova password e avvisi il servizio.".to_owned(),
        },
        Message::ProviderLinked { provider } => Draft {
            subject: format!("{sender}: il Suo account si apre anche con {provider}"),
            before: format!("Il Suo account è ora collegato a {provider}: chi vi accede con il Suo indirizzo accede anche qui."),
            link: None,
            after: "Se non è stato Lei, avvisi subito il servizio.".to_owned(),
        },
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 ora".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} ore"),
        _ => format!("{minutes} minuti"),
    }
}
