//! The words of the pages.

use crate::looks::texts;

texts! {
    /// The words of the pages that mailed links lead to.
    Texts {
        reset: "Set a new password", "Choisir un nouveau mot de passe", "Scegli una nuova password",
            "Neues Passwort festlegen", "Elegir una contraseña nueva";
        account: "Account", "Compte", "Account", "Konto", "Cuenta";
        password: "New password", "Nouveau mot de passe", "Nuova password", "Neues Passwort", "Contraseña nueva";
        least: "At least {} characters. A few words that do not belong together make a good one.",
            "Au moins {} caractères. Quelques mots sans rapport entre eux font un bon mot de passe.",
            "Almeno {} caratteri. Alcune parole senza legame tra loro fanno una buona password.",
            "Mindestens {} Zeichen. Einige Wörter, die nicht zusammengehören, sind ein gutes Passwort.",
            "Al menos {} caracteres. Unas palabras sin relación entre sí hacen una buena contraseña.";
        save: "Save password", "Enregistrer", "Salva la password", "Passwort speichern", "Guardar";
        reset_done: "Your password was changed", "Votre mot de passe a été modifié", "La password è stata cambiata",
            "Ihr Passwort wurde geändert", "Su contraseña ha cambiado";
        reset_done_text: "Every session was ended. You can close this page and log in with the new password.",
            "Toutes les sessions ont été fermées. Vous pouvez fermer cette page et vous connecter avec le nouveau mot de passe.",
            "Tutte le sessioni sono state chiuse. Può chiudere questa pagina e accedere con la nuova password.",
            "Alle Sitzungen wurden beendet. Sie können diese Seite schließen und sich mit dem neuen Passwort anmelden.",
            "Se han cerrado todas las sesiones. Puede cerrar esta página e iniciar sesión con la contraseña nueva.";
        email: "Confirm your e-mail address", "Confirmer votre adresse e-mail", "Confermi il Suo indirizzo e-mail",
            "E-Mail-Adresse bestätigen", "Confirmar su dirección de correo";
        email_text: "You were sent here by a message to this address. Confirm that it is yours.",
            "Un message envoyé à cette adresse vous a conduit ici. Confirmez qu’elle est la vôtre.",
            "Un messaggio inviato a questo indirizzo L’ha portata qui. Confermi che è Suo.",
            "Eine Nachricht an diese Adresse hat Sie hierher geführt. Bestätigen Sie, dass sie Ihnen gehört.",
            "Un mensaje enviado a esta dirección le ha traído aquí. Confirme que es suya.";
        confirm: "Confirm", "Confirmer", "Conferma", "Bestätigen", "Confirmar";
        email_done: "Your e-mail address is confirmed", "Votre adresse e-mail est confirmée",
            "Il Suo indirizzo e-mail è confermato", "Ihre E-Mail-Adresse ist bestätigt",
            "Su dirección de correo está confirmada";
        email_done_text: "You can close this page.", "Vous pouvez fermer cette page.", "Può chiudere questa pagina.",
            "Sie können diese Seite schließen.", "Puede cerrar esta página.";
        dead_link: "This link does not work any more", "Ce lien ne fonctionne plus", "Questo link non funziona più",
            "Dieser Link funktioniert nicht mehr", "Este enlace ya no funciona";
        dead_link_text: "It works once and for a few minutes only. Ask for a new one where you asked for this.",
            "Il ne sert qu’une fois et pendant quelques minutes. Demandez-en un nouveau là où vous avez demandé celui-ci.",
            "Vale una sola volta e per pochi minuti. Ne chieda uno nuovo dove ha chiesto questo.",
            "Er gilt nur einmal und nur wenige Minuten. Fordern Sie dort einen neuen an, wo Sie diesen angefordert haben.",
            "Sirve una sola vez y durante unos minutos. Pida otro donde pidió este.";
        later: "Try again in a moment", "Réessayez dans un instant", "Riprovi tra un momento",
            "Versuchen Sie es gleich noch einmal", "Inténtelo de nuevo en un momento";
        later_text: "This did not work just now. The link still does: load the page again in a minute.",
            "Cela n’a pas fonctionné. Le lien reste valable : rechargez la page dans une minute.",
            "Ora non ha funzionato. Il link è ancora valido: ricarichi la pagina tra un minuto.",
            "Das hat gerade nicht funktioniert. Der Link gilt weiterhin: Laden Sie die Seite in einer Minute neu.",
            "No ha funcionado ahora. El enlace sigue sirviendo: vuelva a cargar la página en un minuto.";
        error: "Error:", "Erreur :", "Errore:", "Fehler:", "Error:";
        too_short: "The password needs at least {} characters.", "Le mot de passe doit avoir au moins {} caractères.",
            "La password deve avere almeno {} caratteri.", "Das Passwort braucht mindestens {} Zeichen.",
            "La contraseña necesita al menos {} caracteres.";
        too_common: "This password is too easy to guess. Choose another one.",
            "Ce mot de passe est trop facile à deviner. Choisissez-en un autre.",
            "Questa password è troppo facile da indovinare. Ne scelga un’altra.",
            "Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein anderes.",
            "Esta contraseña es demasiado fácil de adivinar. Elija otra.";
        not_possible: "This password is not possible. Choose another one.",
            "Ce mot de passe n’est pas possible. Choisissez-en un autre.",
            "Questa password non è possibile. Ne scelga un’altra.", "Dieses Passwort ist nicht möglich. Wählen Sie ein anderes.",
            "Esta contraseña no es posible. Elija otra.";
    }
}
