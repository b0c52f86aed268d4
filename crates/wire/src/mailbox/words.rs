//! The words of the mailbox.

use crate::looks::texts;

texts! {
    /// The words of the mailbox.
    Words {
        title: "Development mailbox", "Boîte aux lettres de développement", "Casella di sviluppo",
            "Postfach für die Entwicklung", "Buzón de desarrollo";
        about: "Mail that this server would have sent. Nothing leaves this machine; the last 200 are kept until the server stops.",
            "Le courrier que ce serveur aurait envoyé. Rien ne quitte cette machine ; les 200 derniers messages restent jusqu’à l’arrêt du serveur.",
            "La posta che questo server avrebbe inviato. Nulla lascia questa macchina; restano gli ultimi 200 messaggi finché il server è in funzione.",
            "Post, die dieser Server verschickt hätte. Nichts verlässt diesen Rechner; die letzten 200 Nachrichten bleiben, bis der Server anhält.",
            "El correo que este servidor habría enviado. Nada sale de esta máquina; se guardan los últimos 200 mensajes hasta que el servidor se detenga.";
        none: "No mail yet. Sign up or ask for a password reset, then reload this page.",
            "Pas encore de courrier. Inscrivez-vous ou demandez un nouveau mot de passe, puis rechargez cette page.",
            "Ancora nessun messaggio. Si registri o chieda una nuova password, poi ricarichi questa pagina.",
            "Noch keine Post. Registrieren Sie sich oder fordern Sie ein neues Passwort an und laden Sie dann die Seite neu.",
            "Aún no hay correo. Regístrese o pida una contraseña nueva y recargue esta página.";
        to: "To", "À", "A", "An", "Para";
        as_text: "As text", "En texte", "Come testo", "Als Text", "Como texto";
        as_shown: "The mail as it is shown", "Le message tel qu’il s’affiche", "Il messaggio come appare",
            "Die Nachricht, wie sie angezeigt wird", "El mensaje tal como se muestra";
        for_scripts: "For scripts:", "Pour les scripts :", "Per gli script:", "Für Skripte:", "Para scripts:";
        reload: "Reload", "Recharger", "Ricarica", "Neu laden", "Recargar";
    }
}
