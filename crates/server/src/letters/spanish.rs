//! Letters in Spanish.

use ringfence_core::mail::Message;

use super::{Draft, named};

pub(super) fn letter(message: &Message, sender: &str) -> Draft {
    match message {
        Message::PasswordReset { link, minutes } => Draft {
            subject: format!("{sender}: elija una contraseña nueva"),
            before: "Alguien, seguramente usted, ha pedido una contraseña nueva. Para elegirla, abra este enlace:"
                .to_owned(),
            link: Some(link.clone()),
            after: format!(
                "El enlace sirve una sola vez, durante {}. Si no la ha pedido, ignore este mensaje; su contraseña sigue siendo la misma.",
                span(*minutes)
            ),
        },
        Message::VerifyEmail { link, minutes } => Draft {
            subject: format!("{sender}: confirme su dirección de correo"),
            before: "Para confirmar que esta dirección es suya, abra este enlace:".to_owned(),
            link: Some(link.clone()),
            after: format!(
                "El enlace sirve una sola vez, durante {}. Si no ha creado una cuenta, ignore este mensaje.",
                span(*minutes)
            ),
        },
        Message::Invitation { link, inviter, application } => Draft {
            subject: format!("{sender}: le invitan a {application}"),
            before: format!("{} le invita a {application}. Para aceptar, abra este enlace:", named(inviter, "Alguien")),
            link: Some(link.clone()),
            after: "Si no sabe de qué se trata, ignore este mensaje.".to_owned(),
        },
        Message::PasswordChanged => Draft {
            subject: format!("{sender}: su contraseña ha cambiado"),
            before: "Su contraseña ha cambiado y se han cerrado todas las sesiones.".to_owned(),
            link: None,
            after: "Si no ha sido usted, pida enseguida una contraseña nueva y avise al servicio.".to_owned(),
        },
        Message::EmailChanged => Draft {
            subject: format!("{sender}: su dirección de correo ha cambiado"),
            before: "Su cuenta tiene ahora otra dirección de correo. Esta ya no le pertenece.".to_owned(),
            link: None,
            after: "Si no ha sido usted, avise enseguida al servicio.".to_owned(),
        },
        Message::ApiKeyMade => Draft {
            subject: format!("{sender}: su cuenta tiene una nueva clave de API"),
            before: "Se ha creado una clave de API para su cuenta. Quien la tenga puede actuar por usted hasta que caduque o se revoque.".to_owned(),
            link: None,
            after: "Si no ha sido usted, pida enseguida una contraseña nueva y avise al servicio.".to_owned(),
        },
        Message::ProviderLinked { provider } => Draft {
            subject: format!("{sender}: su cuenta se abre también con {provider}"),
            before: format!("Su cuenta está ahora vinculada a {provider}: quien inicie allí sesión con su dirección la inicia también aquí."),
            link: None,
            after: "Si no ha sido usted, avise enseguida al servicio.".to_owned(),
        },
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 hora".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} horas"),
        _ => format!("{minutes} minutos"),
    }
}
