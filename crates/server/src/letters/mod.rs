//! What mails look like: subject, text and a plain HTML alternative, in English, French, Italian, German and Spanish.

mod english;
mod french;
mod german;
mod italian;
mod samples;
mod spanish;

pub use samples::Samples;

use ringfence_core::mail::Mail;

/// A mail, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The languages there are.
#[derive(Clone, Copy)]
enum Language {
    English,
    French,
    Italian,
    German,
    Spanish,
}

impl Language {
    /// By the primary subtag of BCP 47; English for whoever speaks none of ours.
    fn of(tag: Option<&str>) -> Self {
        let primary = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "fr" => Self::French,
            "it" => Self::Italian,
            "de" => Self::German,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Italian => "it",
            Self::German => "de",
            Self::Spanish => "es",
        }
    }
}

/// A letter in parts, before it is text or HTML.
struct Draft {
    subject: String,
    before: String,
    link: Option<String>,
    after: String,
}

impl Letter {
    /// The letter of a mail.
    pub fn of(mail: &Mail) -> Self {
        let language = Language::of(mail.language.as_deref());
        let draft = match language {
            Language::English => english::letter(&mail.message, &one_line(&mail.sender)),
            Language::French => french::letter(&mail.message, &one_line(&mail.sender)),
            Language::Italian => italian::letter(&mail.message, &one_line(&mail.sender)),
            Language::German => german::letter(&mail.message, &one_line(&mail.sender)),
            Language::Spanish => spanish::letter(&mail.message, &one_line(&mail.sender)),
        };
        draft.letter(language)
    }

    /// The letter of `ringfence mail test`.
    pub fn test() -> Self {
        let draft = Draft {
            subject: "Ringfence can send mail".to_owned(),
            before: "This is the message of `ringfence mail test`. Mail works.".to_owned(),
            link: None,
            after: String::new(),
        };
        draft.letter(Language::English)
    }
}

impl Draft {
    fn letter(self, language: Language) -> Letter {
        let paragraphs = [Some(self.before.as_str()), self.link.as_deref(), Some(self.after.as_str())];
        let paragraphs = paragraphs.into_iter().flatten().filter(|paragraph| !paragraph.is_empty());
        let text = paragraphs.collect::<Vec<_>>().join("\n\n") + "\n";
        let link = self.link.as_deref().map(escaped);
        let link = link.map_or_else(String::new, |link| format!("<p><a href=\"{link}\">{link}</a></p>\n"));
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title></head><body style=\"font: 16px/1.55 system-ui, sans-serif; max-width: 38em; overflow-wrap: anywhere\">\n<p>{}</p>\n{link}<p>{}</p>\n</body></html>\n",
            language.code(),
            escaped(&self.subject),
            escaped(&self.before),
            escaped(&self.after),
        );
        Letter { subject: one_line(&self.subject), text, html }
    }
}

/// A name, or a word for somebody who gave none.
fn named<'a>(name: &'a str, nobody: &'a str) -> &'a str {
    if name.trim().is_empty() { nobody } else { name }
}

/// Without line breaks and other control characters, so that no name of ours becomes a header of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use ringfence_core::mail::Message;

    use super::*;

    fn letter(language: &str, message: Message) -> Letter {
        let language = Some(language.to_owned());
        Letter::of(&Mail { to: "ann@example.org".to_owned(), language, sender: "Acme".to_owned(), message })
    }

    fn reset() -> Message {
        Message::PasswordReset { link: "https://a.example/reset?t=1&u=2".to_owned(), minutes: 10 }
    }

    #[test]
    fn the_language_follows_the_recipient() {
        assert_eq!(letter("fr-CA", reset()).subject, "Acme : choisissez un nouveau mot de passe");
        assert_eq!(letter("es-ES", reset()).subject, "Acme: elija una contraseña nueva");
        assert_eq!(letter("it", reset()).subject, "Acme: scelga una nuova password");
        assert_eq!(letter("de-AT", reset()).subject, "Acme: Neues Passwort wählen");
        for other in ["en", "nl", "", "frisian"] {
            assert_eq!(letter(other, reset()).subject, "Acme: set a new password");
        }
    }

    #[test]
    fn the_text_holds_the_link_on_a_line_of_its_own() {
        let text = letter("en", reset()).text;
        assert!(text.lines().any(|line| line == "https://a.example/reset?t=1&u=2"), "{text}");
        assert!(text.contains("for 10 minutes"), "{text}");
    }

    #[test]
    fn names_become_neither_headers_nor_markup() {
        let invitation = letter(
            "en",
            Message::Invitation {
                link: "https://a.example".to_owned(),
                inviter: "<b>Eve</b>".to_owned(),
                application: "x\r\nBcc: all@example.org".to_owned(),
            },
        );
        assert_eq!(invitation.subject, "Acme: you are invited to x  Bcc: all@example.org");
        assert!(invitation.html.contains("&lt;b&gt;Eve"), "{}", invitation.html);
    }

    #[test]
    fn a_day_is_said_in_hours() {
        let verify = Message::VerifyEmail { link: "x".to_owned(), minutes: 1440 };
        assert!(letter("en", verify.clone()).text.contains("24 hours"));
        assert!(letter("fr", verify).text.contains("24 heures"));
    }
}
