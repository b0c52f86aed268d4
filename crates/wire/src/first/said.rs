//! What the script of the first page says; `{}` is filled in.

use crate::looks::texts;

texts! {
    /// The words of the script.
    Said {
        state_none: "not connected", "non connecté", "non connesso", "nicht verbunden", "sin conexión";
        state_connecting: "connecting", "connexion", "connessione", "verbindet", "conectando";
        state_open: "connected", "connecté", "connesso", "verbunden", "conectado";
        state_closed: "closed", "fermé", "chiuso", "geschlossen", "cerrado";
        guest: "guest", "invité", "ospite", "Gast", "invitado";
        member: "member", "membre", "membro", "Mitglied", "miembro";
        endpoint: "endpoint", "terminal", "terminale", "Endgerät", "terminal";
        external: "external", "externe", "esterno", "extern", "externo";
        service: "service", "service", "servizio", "Dienst", "servicio";
        nobody_here: "Nobody is here yet.", "Personne n’est encore là.", "Qui non c’è ancora nessuno.", "Hier ist noch niemand.",
            "Aún no hay nadie aquí.";
        members_first: "Become a member first: a guest lives on one device.",
            "Devenez d’abord membre : un invité vit sur un seul appareil.",
            "Prima diventate membro: un ospite vive su un solo dispositivo.",
            "Werden Sie erst Mitglied: Ein Gast lebt auf einem Gerät.",
            "Primero hágase miembro: un invitado vive en un solo dispositivo.";
        ready_here: "The same account can sign in here.", "Le même compte peut se connecter ici.",
            "Lo stesso account può accedere qui.", "Dasselbe Konto kann sich hier anmelden.",
            "La misma cuenta puede iniciar sesión aquí.";
        seconds: "{} s", "{} s", "{} s", "{} s", "{} s";
        warned: "The server warned: it ends in {} s.", "Le serveur a prévenu : fin dans {} s.",
            "Il server ha avvisato: finisce tra {} s.", "Der Server hat gewarnt: Es endet in {} s.",
            "El servidor avisó: termina en {} s.";
        renewed: "Renewed. The connection stayed open.", "Renouvelé. La connexion est restée ouverte.",
            "Rinnovato. La connessione è rimasta aperta.", "Erneuert. Die Verbindung blieb offen.",
            "Renovado. La conexión siguió abierta.";
        became_member: "The guest is a member now: same id, same open connection.",
            "L’invité est maintenant membre : même identifiant, même connexion ouverte.",
            "L’ospite ora è membro: stesso identificativo, stessa connessione aperta.",
            "Der Gast ist jetzt Mitglied: dieselbe Kennung, dieselbe offene Verbindung.",
            "El invitado ya es miembro: mismo identificador, misma conexión abierta.";
        closed_with: "Closed with {}", "Fermé avec {}", "Chiuso con {}", "Geschlossen mit {}", "Cerrado con {}";
        session_revoked: "Your server ended this session. Its tokens are worthless, and the client does not come back by itself.",
            "Votre serveur a mis fin à cette session. Ses jetons ne valent plus rien et le client ne revient pas de lui-même.",
            "Il vostro server ha chiuso questa sessione. I suoi token non valgono più nulla e il client non torna da solo.",
            "Ihr Server hat diese Sitzung beendet. Ihre Token sind wertlos, und der Client kommt nicht von selbst zurück.",
            "Su servidor terminó esta sesión. Sus tokens ya no valen nada y el cliente no vuelve por sí solo.";
        token_expired: "The token ended and no new one came in time. With a new one the client may come back.",
            "Le jeton a expiré et aucun autre n’est arrivé à temps. Avec un nouveau, le client peut revenir.",
            "Il token è scaduto e non ne è arrivato un altro in tempo. Con uno nuovo il client può tornare.",
            "Das Token lief ab, und kein neues kam rechtzeitig. Mit einem neuen darf der Client zurückkommen.",
            "El token terminó y no llegó otro a tiempo. Con uno nuevo el cliente puede volver.";
        left: "You left. The session is over, here and everywhere.", "Vous êtes parti. La session est terminée, ici et partout.",
            "Siete usciti. La sessione è finita, qui e ovunque.", "Sie sind gegangen. Die Sitzung ist vorbei, hier und überall.",
            "Ha salido. La sesión terminó, aquí y en todas partes.";
        other_reason: "The server closed the connection and said why.", "Le serveur a fermé la connexion et a dit pourquoi.",
            "Il server ha chiuso la connessione e ha detto perché.", "Der Server hat die Verbindung geschlossen und gesagt, warum.",
            "El servidor cerró la conexión y dijo por qué.";
        cut: "The connection was cut.", "La connexion a été coupée.", "La connessione è stata interrotta.",
            "Die Verbindung wurde unterbrochen.", "La conexión se cortó.";
        refused: "The server refused: {}", "Le serveur a refusé : {}", "Il server ha rifiutato: {}",
            "Der Server hat abgelehnt: {}", "El servidor rechazó: {}";
        revoke: "Revoke", "Révoquer", "Revoca", "Widerrufen", "Revocar";
        revoke_whom: "Revoke {}", "Révoquer {}", "Revoca {}", "{} widerrufen", "Revocar {}";
        since: "for {} s", "depuis {} s", "da {} s", "seit {} s", "desde hace {} s";
        start_again: "Start again", "Recommencer", "Ricomincia", "Von vorn", "Empezar de nuevo";
        come_back: "Come back", "Revenir", "Torna", "Zurückkommen", "Volver";
    }
}
