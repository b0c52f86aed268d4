//! Letters in French.

use ringfence_core::mail::Message;

use super::{Draft, named};

/// What the message says.
pub(super) fn letter(message: &Message, sender: &str) -> Draft {
    match message {
        Message::PasswordReset { link, minutes } => Draft {
            subject: format!("{sender} : choisissez un nouveau mot de passe"),
            before: "Quelqu’un, sans doute vous, a demandé un nouveau mot de passe. Pour le choisir, ouvrez ce lien :"
                .to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Le lien sert une seule fois, pendant {}. Si vous n’avez rien demandé, ignorez ce message ; votre mot de passe reste le même.",
                span(*minutes)
            ),
        },
        Message::VerifyEmail { link, minutes } => Draft {
            subject: format!("{sender} : confirmez votre adresse e-mail"),
            before: "Pour confirmer que cette adresse est la vôtre, ouvrez ce lien :".to_owned(),
            link: Some(link.clone()),
            after: format!(
                "Le lien sert une seule fois, pendant {}. Si vous n’avez pas créé de compte, ignorez ce message.",
                span(*minutes)
            ),
        },
        Message::Invitation { link, inviter, application } => Draft {
            subject: format!("{sender} : vous êtes invité à rejoindre {application}"),
            before: format!(
                "{} vous invite à rejoindre {application}. Pour accepter, ouvrez ce lien :",
                named(inviter, "Quelqu’un")
            ),
            link: Some(link.clone()),
            after: "Si vous ne savez pas de quoi il s’agit, ignorez ce message.".to_owned(),
        },
        Message::PasswordChanged => Draft {
            subject: format!("{sender} : votre mot de passe a été modifié"),
            before: "Votre mot de passe a été modifié et toutes les sessions ont été fermées.".to_owned(),
            link: None,
            after: "Si ce n’était pas vous, demandez tout de suite un nouveau mot de passe et prévenez le service."
                .to_owned(),
        },
        Message::EmailChanged => Draft {
            subject: format!("{sender} : votre adresse e-mail a été modifiée"),
            before: "Votre compte a maintenant une autre adresse e-mail. Celle-ci n’en fait plus partie.".to_owned(),
            link: None,
            after: "Si ce n’était pas vous, prévenez tout de suite le service.".to_owned(),
        },
        Message::ApiKeyMade => Draft {
            subject: format!("{sender} : votre compte a une nouvelle clé d’API"),
            before: "Une clé d’API a été créée pour votre compte. Qui la détient peut agir en votre nom jusqu’à ce qu’elle expire ou soit révoquée.".to_owned(),
            link: None,
            after: "Si ce n’était pas vous, demandez tout de suite un nouveau mot de passe et prévenez le service.".to_owned(),
        },
        Message::ProviderLinked { provider } => Draft {
            subject: format!("{sender} : votre compte s’ouvre aussi par {provider}"),
            before: format!("Votre compte est maintenant relié à {provider} : qui s’y connecte avec votre adresse est connecté ici."),
            link: None,
            after: "Si ce n’était pas vous, prévenez tout de suite le service.".to_owned(),
        },
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 heure".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} heures"),
        _ => format!("{minutes} minutes"),
    }
}
