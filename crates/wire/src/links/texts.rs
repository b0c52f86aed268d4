//! The words of the pages, in English, French and Spanish.

/// One language.
pub(super) struct Texts {
    pub(super) lang: &'static str,
    pub(super) reset: &'static str,
    pub(super) password: &'static str,
    pub(super) least: &'static str,
    pub(super) save: &'static str,
    pub(super) reset_done: &'static str,
    pub(super) reset_done_text: &'static str,
    pub(super) email: &'static str,
    pub(super) email_text: &'static str,
    pub(super) confirm: &'static str,
    pub(super) email_done: &'static str,
    pub(super) email_done_text: &'static str,
    pub(super) dead_link: &'static str,
    pub(super) dead_link_text: &'static str,
    pub(super) later: &'static str,
    pub(super) later_text: &'static str,
    pub(super) error: &'static str,
    pub(super) too_short: &'static str,
    pub(super) too_common: &'static str,
    pub(super) not_possible: &'static str,
}

/// The words for whoever prefers this language; English for whoever speaks none of ours.
pub(super) fn texts(tag: Option<&str>) -> &'static Texts {
    match tag.and_then(|tag| tag.get(..2)).unwrap_or_default().to_ascii_lowercase().as_str() {
        "fr" => &FRENCH,
        "es" => &SPANISH,
        _ => &ENGLISH,
    }
}

static ENGLISH: Texts = Texts {
    lang: "en",
    reset: "Set a new password",
    password: "New password",
    least: "At least {} characters. A few words that do not belong together make a good one.",
    save: "Save password",
    reset_done: "Your password was changed",
    reset_done_text: "Every session was ended. You can close this page and log in with the new password.",
    email: "Confirm your e-mail address",
    email_text: "You were sent here by a message to this address. Confirm that it is yours.",
    confirm: "Confirm",
    email_done: "Your e-mail address is confirmed",
    email_done_text: "You can close this page.",
    dead_link: "This link does not work any more",
    dead_link_text: "It works once and for a few minutes only. Ask for a new one where you asked for this.",
    later: "Try again in a moment",
    later_text: "This did not work just now. The link still does: load the page again in a minute.",
    error: "Error:",
    too_short: "The password needs at least {} characters.",
    too_common: "This password is too easy to guess. Choose another one.",
    not_possible: "This password is not possible. Choose another one.",
};

static FRENCH: Texts = Texts {
    lang: "fr",
    reset: "Choisir un nouveau mot de passe",
    password: "Nouveau mot de passe",
    least: "Au moins {} caractères. Quelques mots sans rapport entre eux font un bon mot de passe.",
    save: "Enregistrer",
    reset_done: "Votre mot de passe a été modifié",
    reset_done_text: "Toutes les sessions ont été fermées. Vous pouvez fermer cette page et vous connecter avec le nouveau mot de passe.",
    email: "Confirmer votre adresse e-mail",
    email_text: "Un message envoyé à cette adresse vous a conduit ici. Confirmez qu’elle est la vôtre.",
    confirm: "Confirmer",
    email_done: "Votre adresse e-mail est confirmée",
    email_done_text: "Vous pouvez fermer cette page.",
    dead_link: "Ce lien ne fonctionne plus",
    dead_link_text: "Il ne sert qu’une fois et pendant quelques minutes. Demandez-en un nouveau là où vous avez demandé celui-ci.",
    later: "Réessayez dans un instant",
    later_text: "Cela n’a pas fonctionné. Le lien reste valable : rechargez la page dans une minute.",
    error: "Erreur :",
    too_short: "Le mot de passe doit avoir au moins {} caractères.",
    too_common: "Ce mot de passe est trop facile à deviner. Choisissez-en un autre.",
    not_possible: "Ce mot de passe n’est pas possible. Choisissez-en un autre.",
};

static SPANISH: Texts = Texts {
    lang: "es",
    reset: "Elegir una contraseña nueva",
    password: "Contraseña nueva",
    least: "Al menos {} caracteres. Unas palabras sin relación entre sí hacen una buena contraseña.",
    save: "Guardar",
    reset_done: "Su contraseña ha cambiado",
    reset_done_text: "Se han cerrado todas las sesiones. Puede cerrar esta página e iniciar sesión con la contraseña nueva.",
    email: "Confirmar su dirección de correo",
    email_text: "Un mensaje enviado a esta dirección le ha traído aquí. Confirme que es suya.",
    confirm: "Confirmar",
    email_done: "Su dirección de correo está confirmada",
    email_done_text: "Puede cerrar esta página.",
    dead_link: "Este enlace ya no funciona",
    dead_link_text: "Sirve una sola vez y durante unos minutos. Pida otro donde pidió este.",
    later: "Inténtelo de nuevo en un momento",
    later_text: "No ha funcionado ahora. El enlace sigue sirviendo: vuelva a cargar la página en un minuto.",
    error: "Error:",
    too_short: "La contraseña necesita al menos {} caracteres.",
    too_common: "Esta contraseña es demasiado fácil de adivinar. Elija otra.",
    not_possible: "Esta contraseña no es posible. Elija otra.",
};
