//! Tables of words: a row is one text in every language, so that a missing one does not compile.

/// Makes a struct of texts. A row is its name and English, French, Italian, German and Spanish, in this order.
///
/// ```ignore
/// texts! {
///     /// The words of a page.
///     Greeting {
///         hello: "Hello", "Bonjour", "Ciao", "Hallo", "Hola";
///     }
/// }
/// let words: &'static Greeting = Greeting::of(look.language);
/// ```
macro_rules! texts {
    ($(#[$about:meta])* $table:ident {
        $($text:ident: $english:literal, $french:literal, $italian:literal, $german:literal, $spanish:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $table { $(pub(crate) $text: &'static str),* }

        impl $table {
            /// The words in this language.
            pub(crate) fn of(language: $crate::looks::Language) -> &'static Self {
                use $crate::looks::Language;
                static ENGLISH: $table = $table { $($text: $english),* };
                static FRENCH: $table = $table { $($text: $french),* };
                static ITALIAN: $table = $table { $($text: $italian),* };
                static GERMAN: $table = $table { $($text: $german),* };
                static SPANISH: $table = $table { $($text: $spanish),* };
                match language {
                    Language::English => &ENGLISH,
                    Language::French => &FRENCH,
                    Language::Italian => &ITALIAN,
                    Language::German => &GERMAN,
                    Language::Spanish => &SPANISH,
                }
            }
        }

        impl $crate::looks::Rows for $table {
            fn rows(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($text), self.$text)),*]
            }
        }
    };
}
pub(crate) use texts;

/// A table whose words a script says, and so finds in its page.
pub(crate) trait Rows {
    /// Each name with its text.
    fn rows(&self) -> Vec<(&'static str, &'static str)>;
}

texts! {
    /// The words of the frame that all pages have.
    Frame {
        skip: "Skip to content", "Aller au contenu", "Vai al contenuto", "Zum Inhalt", "Ir al contenido";
        language: "Language", "Langue", "Lingua", "Sprache", "Idioma";
        motto: "Authentication for real-time communications", "Authentification pour les communications en temps réel",
            "Autenticazione per le comunicazioni in tempo reale", "Anmeldung für Echtzeitkommunikation",
            "Autenticación para comunicaciones en tiempo real";
        nothing_here: "There is nothing here", "Il n’y a rien ici", "Qui non c’è nulla", "Hier ist nichts", "Aquí no hay nada";
        nothing_here_text: "The address may be mistyped, or what was here is gone.",
            "L’adresse est peut-être mal saisie, ou ce qui était ici a disparu.",
            "Forse l’indirizzo è scritto male, o ciò che c’era qui non c’è più.",
            "Vielleicht ist die Adresse falsch geschrieben, oder was hier war, gibt es nicht mehr.",
            "Quizá la dirección esté mal escrita, o lo que había aquí ya no está.";
        to_first_page: "Go to the first page", "Aller à la première page", "Vai alla prima pagina", "Zur ersten Seite",
            "Ir a la primera página";
        copy: "Copy", "Copier", "Copia", "Kopieren", "Copiar";
        copied: "Copied", "Copié", "Copiato", "Kopiert", "Copiado";
    }
}
