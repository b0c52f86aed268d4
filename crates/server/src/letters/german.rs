//! Letters in German.

use ringfence_core::mail::Message;

use super::{Draft, named};

/// What the message says.
pub(super) fn letter(message: &Message, sender: &str) -> Draft {
    match message {
        Message::PasswordReset { link, minutes } => Draft {
            subject: format!("{sender}: Neues Passwort wählen"),
            before:
                "Jemand, vermutlich Sie, hat ein neues Passwort angefordert. Um es festzulegen, öffnen Sie diesen Link:"
                    .to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Der Link gilt einmal, {} lang. Wenn Sie nichts angefordert haben, ist nichts zu tun; Ihr Passwort bleibt, wie es ist.",
                span(*minutes)
            ),
        },
        Message::VerifyEmail { link, minutes } => Draft {
            subject: format!("{sender}: Bestätigen Sie Ihre E-Mail-Adresse"),
            before: "Um zu bestätigen, dass diese Adresse Ihnen gehört, öffnen Sie diesen Link:".to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Der Link gilt einmal, {} lang. Wenn Sie kein Konto angelegt haben, ist nichts zu tun.",
                span(*minutes)
            ),
        },
        Message::Invitation { link, inviter, application } => Draft {
            subject: format!("{sender}: Sie sind zu {application} eingeladen"),
            before: format!(
                "{} lädt Sie zu {application} ein. Um anzunehmen, öffnen Sie diesen Link:",
                named(inviter, "Jemand")
            ),
            link: Some(link.clone()),
            after: "Wenn Sie nicht wissen, worum es geht, ist nichts zu tun.".to_owned(),
        },
        Message::PasswordChanged => Draft {
            subject: format!("{sender}: Ihr Passwort wurde geändert"),
            before: "Ihr Passwort wurde geändert, und alle Sitzungen wurden beendet.".to_owned(),
            link: None,
            after:
                "Wenn Sie das nicht waren, fordern Sie sofort ein neues Passwort an und benachrichtigen Sie den Dienst."
                    .to_owned(),
        },
        Message::EmailChanged => Draft {
            subject: format!("{sender}: Ihre E-Mail-Adresse wurde geändert"),
            before: "Ihr Konto hat jetzt eine andere E-Mail-Adresse. Diese gehört nicht mehr dazu.".to_owned(),
            link: None,
            after: "Wenn Sie das nicht waren, benachrichtigen Sie sofort den Dienst.".to_owned(),
        },
        Message::ApiKeyMade => Draft {
            subject: format!("{sender}: Ihr Konto hat einen neuen API-Schlüssel"),
            before: "Für Ihr Konto wurde ein API-Schlüssel angelegt. Wer ihn hat, kann für Sie handeln, bis er endet oder widerrufen wird.".to_owned(),
            link: None,
            after: "Wenn Sie das nicht waren, fordern Sie sofort ein neues Passwort an und benachrichtigen Sie den Dienst.".to_owned(),
        },
        Message::ProviderLinked { provider } => Draft {
            subject: format!("{sender}: Ihr Konto lässt sich auch über {provider} öffnen"),
            before: format!("Ihr Konto ist jetzt mit {provider} verbunden: Wer sich dort mit Ihrer Adresse anmeldet, ist auch hier angemeldet."),
            link: None,
            after: "Wenn Sie das nicht waren, benachrichtigen Sie sofort den Dienst.".to_owned(),
        },
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 Stunde".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} Stunden"),
        _ => format!("{minutes} Minuten"),
    }
}
