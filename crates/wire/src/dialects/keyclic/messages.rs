//! The words of refusals, in English, French and Spanish.

use ringfence_core::error::{AuthError, Noun, Rule, TokenFault};

/// The languages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    French,
    Spanish,
}

impl Language {
    /// By the primary subtag; English for whoever speaks none of ours.
    pub(super) fn of(tag: Option<&str>) -> Self {
        let primary = tag.and_then(|tag| tag.split('-').next()).unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "fr" => Self::French,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    /// As in `Content-Language`.
    pub(super) const fn tag(self) -> &'static str {
        self.say("en", "fr", "es")
    }

    const fn say(self, english: &'static str, french: &'static str, spanish: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }
}

/// What a refusal says.
pub(super) const fn message(error: &AuthError, language: Language) -> &'static str {
    match error {
        AuthError::InvalidCredentials => {
            language.say("Invalid credentials.", "Identifiants invalides.", "Credenciales no válidas.")
        }
        AuthError::TokenExpired => {
            language.say("The token has expired.", "Le jeton a expiré.", "El token ha caducado.")
        }
        AuthError::SessionRevoked => {
            language.say("The session has ended.", "La session est terminée.", "La sesión ha terminado.")
        }
        AuthError::TokenInvalid(fault) => token(*fault, language),
        AuthError::VerificationInvalid => language.say(
            "The link is unknown, used or expired.",
            "Le lien est inconnu, déjà utilisé ou expiré.",
            "El enlace es desconocido, ya se ha usado o ha caducado.",
        ),
        AuthError::IdentitySuspended | AuthError::Disabled(_) => {
            language.say("The account is disabled.", "Le compte est désactivé.", "La cuenta está desactivada.")
        }
        AuthError::Throttled { .. } => language.say(
            "Too many attempts. Try again later.",
            "Trop de tentatives. Réessayez plus tard.",
            "Demasiados intentos. Inténtelo más tarde.",
        ),
        AuthError::StepUpRequired { .. } => language.say(
            "Log in again to do this.",
            "Reconnectez-vous pour faire cela.",
            "Vuelva a iniciar sesión para hacer esto.",
        ),
        AuthError::ApplicationMismatch => language.say(
            "The token is not for this application.",
            "Le jeton n’est pas valable pour cette application.",
            "El token no es válido para esta aplicación.",
        ),
        AuthError::Forbidden { .. } => language.say("Access denied.", "Accès refusé.", "Acceso denegado."),
        AuthError::NotFound(_) => language.say("Not found.", "Introuvable.", "No encontrado."),
        AuthError::Conflict(noun) => conflict(*noun, language),
        AuthError::Invalid(_) => language.say("Validation failed.", "Échec de la validation.", "Error de validación."),
        AuthError::NotSupported(_) => {
            language.say("This is not offered here.", "Non disponible ici.", "No está disponible aquí.")
        }
        AuthError::Unavailable { .. } => language.say(
            "Temporarily unavailable. Try again.",
            "Temporairement indisponible. Réessayez.",
            "No disponible temporalmente. Inténtelo de nuevo.",
        ),
        AuthError::Internal(_) => language.say("Internal error.", "Erreur interne.", "Error interno."),
    }
}

const fn token(_fault: TokenFault, language: Language) -> &'static str {
    language.say("The token is not valid.", "Le jeton n’est pas valide.", "El token no es válido.")
}

/// What is said of something that exists already.
pub(super) const fn conflict(noun: Noun, language: Language) -> &'static str {
    match noun {
        Noun::Membership => language.say("Is a member already.", "Est déjà membre.", "Ya es miembro."),
        _ => {
            language.say("This value is already used.", "Cette valeur est déjà utilisée.", "Este valor ya está en uso.")
        }
    }
}

/// What is said of a broken rule.
pub(super) fn rule(rule: Rule, language: Language) -> String {
    match rule {
        Rule::Required => language
            .say(
                "This value should not be blank.",
                "Cette valeur ne doit pas être vide.",
                "Este valor no debería estar vacío.",
            )
            .to_owned(),
        Rule::TooShort(least) => language
            .say(
                "This value is too short. It should have {} characters or more.",
                "Cette valeur est trop courte. Elle doit avoir au moins {} caractères.",
                "Este valor es demasiado corto. Debería tener {} caracteres o más.",
            )
            .replace("{}", &least.to_string()),
        Rule::TooLong(most) => language
            .say(
                "This value is too long. It should have {} or less.",
                "Cette valeur est trop longue. Le maximum est {}.",
                "Este valor es demasiado largo. El máximo es {}.",
            )
            .replace("{}", &most.to_string()),
        Rule::Common => language
            .say(
                "This password is too easy to guess.",
                "Ce mot de passe est trop facile à deviner.",
                "Esta contraseña es demasiado fácil de adivinar.",
            )
            .to_owned(),
        // What else there is belongs to input that this dialect does not take.
        _ => language
            .say("This value is not valid.", "Cette valeur n’est pas valide.", "Este valor no es válido.")
            .to_owned(),
    }
}
