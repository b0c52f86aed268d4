//! The words that all pages of the console have.

use crate::looks::texts;

texts! {
    /// The words of the way in and of the frame of the console.
    Words {
        console: "Console", "Console", "Console", "Konsole", "Consola";
        overview: "Overview", "Vue d’ensemble", "Panoramica", "Überblick", "Resumen";
        people: "People", "Personnes", "Persone", "Personen", "Personas";
        configuration: "Configuration", "Configuration", "Configurazione", "Konfiguration", "Configuración";
        security: "Security", "Sécurité", "Sicurezza", "Sicherheit", "Seguridad";
        installation: "Installation", "Installation", "Installazione", "Installation", "Instalación";
        sign_in: "Sign in", "Se connecter", "Accedi", "Anmelden", "Iniciar sesión";
        sign_out: "Sign out", "Se déconnecter", "Esci", "Abmelden", "Cerrar sesión";
        name: "Name", "Nom", "Nome", "Name", "Nombre";
        password: "Password", "Mot de passe", "Password", "Passwort", "Contraseña";
        present_password: "Your present password", "Votre mot de passe actuel", "La tua password attuale",
            "Ihr jetziges Passwort", "Su contraseña actual";
        new_password: "New password", "Nouveau mot de passe", "Nuova password", "Neues Passwort", "Contraseña nueva";
        least: "At least {} characters. A few words that do not belong together make a good one.",
            "Au moins {} caractères. Quelques mots sans rapport entre eux font un bon mot de passe.",
            "Almeno {} caratteri. Alcune parole senza legame tra loro fanno una buona password.",
            "Mindestens {} Zeichen. Einige Wörter, die nicht zusammengehören, sind ein gutes Passwort.",
            "Al menos {} caracteres. Unas palabras sin relación entre sí hacen una buena contraseña.";
        go_on: "Continue", "Continuer", "Continua", "Weiter", "Continuar";
        use_passkey: "Use a passkey", "Utiliser une clé d’accès", "Usa una passkey", "Passkey verwenden",
            "Usar una llave de acceso";
        add_passkey: "Add a passkey", "Ajouter une clé d’accès", "Aggiungi una passkey", "Passkey hinzufügen",
            "Añadir una llave de acceso";
        passkey_text: "A passkey is kept by this device or by a security key and replaces the code, or password and code.",
            "Une clé d’accès est gardée par cet appareil ou par une clé de sécurité et remplace le code, ou mot de passe et code.",
            "Una passkey è custodita da questo dispositivo o da una chiave di sicurezza e sostituisce il codice, o password e codice.",
            "Ein Passkey liegt auf diesem Gerät oder einem Sicherheitsschlüssel und ersetzt den Code, oder Passwort und Code.",
            "Una llave de acceso la guarda este dispositivo o una llave de seguridad y sustituye al código, o a contraseña y código.";
        passkey_name: "Name of the passkey", "Nom de la clé d’accès", "Nome della passkey", "Name des Passkeys",
            "Nombre de la llave de acceso";
        passkey_failed: "The passkey was not used.", "La clé d’accès n’a pas été utilisée.", "La passkey non è stata usata.",
            "Der Passkey wurde nicht verwendet.", "No se usó la llave de acceso.";
        second_factor: "Second factor", "Second facteur", "Secondo fattore", "Zweiter Faktor", "Segundo factor";
        code: "Code of your generator", "Code de votre générateur", "Codice del generatore", "Code Ihres Generators",
            "Código de su generador";
        recovery_code: "Recovery code", "Code de secours", "Codice di recupero", "Wiederherstellungscode",
            "Código de recuperación";
        lost_it: "I have no access to it", "Je n’y ai pas accès", "Non vi ho accesso", "Ich habe keinen Zugriff darauf",
            "No tengo acceso a él";
        welcome: "Welcome", "Bienvenue", "Benvenuto", "Willkommen", "Bienvenida";
        begin_text: "This link works once. Choose a password; a second factor comes next.",
            "Ce lien ne sert qu’une fois. Choisissez un mot de passe ; un second facteur suivra.",
            "Questo link vale una volta. Scegli una password; poi verrà un secondo fattore.",
            "Dieser Link gilt einmal. Wählen Sie ein Passwort; danach folgt ein zweiter Faktor.",
            "Este enlace vale una vez. Elija una contraseña; después vendrá un segundo factor.";
        first_text: "Nobody looks after this installation yet. You become its first owner.",
            "Personne n’administre encore cette installation. Vous en devenez le premier propriétaire.",
            "Nessuno amministra ancora questa installazione. Ne diventi il primo proprietario.",
            "Noch niemand verwaltet diese Installation. Sie werden ihr erster Eigentümer.",
            "Nadie administra aún esta instalación. Usted será su primer propietario.";
        enrol: "Enrol a second factor", "Enregistrer un second facteur", "Registra un secondo fattore",
            "Zweiten Faktor einrichten", "Registrar un segundo factor";
        scan: "Read this image with a generator of one-time codes, then type the code it shows.",
            "Lisez cette image avec un générateur de codes à usage unique, puis saisissez le code affiché.",
            "Leggi questa immagine con un generatore di codici monouso, poi digita il codice che mostra.",
            "Lesen Sie dieses Bild mit einem Generator für Einmalcodes und geben Sie den Code ein, den er zeigt.",
            "Lea esta imagen con un generador de códigos de un solo uso y escriba el código que muestra.";
        qr: "Image for the generator", "Image pour le générateur", "Immagine per il generatore", "Bild für den Generator",
            "Imagen para el generador";
        seed: "Or type this secret", "Ou saisissez ce secret", "Oppure digita questo segreto",
            "Oder geben Sie dieses Geheimnis ein", "O escriba este secreto";
        recovery: "Recovery codes", "Codes de secours", "Codici di recupero", "Wiederherstellungscodes",
            "Códigos de recuperación";
        recovery_text: "Each of these opens the console once in place of the second factor. Keep them where only you can read them; they are not shown again.",
            "Chacun ouvre la console une fois à la place du second facteur. Gardez-les là où vous seul pouvez les lire ; ils ne seront plus affichés.",
            "Ognuno apre la console una volta al posto del secondo fattore. Conservali dove solo tu puoi leggerli; non saranno più mostrati.",
            "Jeder öffnet die Konsole einmal anstelle des zweiten Faktors. Bewahren Sie sie auf, wo nur Sie sie lesen; sie werden nicht wieder gezeigt.",
            "Cada uno abre la consola una vez en lugar del segundo factor. Guárdelos donde solo usted los lea; no se muestran otra vez.";
        kept: "I have kept them", "Je les ai gardés", "Li ho conservati", "Ich habe sie aufbewahrt", "Los he guardado";
        done: "Done.", "C’est fait.", "Fatto.", "Erledigt.", "Hecho.";
        save: "Save", "Enregistrer", "Salva", "Speichern", "Guardar";
        next: "Next page", "Page suivante", "Pagina successiva", "Nächste Seite", "Página siguiente";
        project: "Project", "Projet", "Progetto", "Projekt", "Proyecto";
        choose: "Show", "Afficher", "Mostra", "Anzeigen", "Mostrar";
        no_project: "There is no project yet.", "Il n’y a pas encore de projet.", "Non c’è ancora alcun progetto.",
            "Es gibt noch kein Projekt.", "Aún no hay ningún proyecto.";
        nothing: "There is nothing to show.", "Il n’y a rien à afficher.", "Non c’è nulla da mostrare.",
            "Es gibt nichts anzuzeigen.", "No hay nada que mostrar.";
        not_done: "Not done", "Non effectué", "Non eseguito", "Nicht ausgeführt", "No realizado";
        not_allowed: "Your role does not allow this.", "Votre rôle ne le permet pas.", "Il tuo ruolo non lo consente.",
            "Ihre Rolle erlaubt das nicht.", "Su rol no lo permite.";
        not_there: "It is not there, or not any more.", "Cela n’existe pas, ou plus.", "Non c’è, o non c’è più.",
            "Es ist nicht da, oder nicht mehr.", "No existe, o ya no.";
        stale: "Somebody changed it since this form was loaded, or it exists already. Load the page again and look at what it says now.",
            "Quelqu’un l’a modifié depuis l’affichage de ce formulaire, ou cela existe déjà. Rechargez la page et voyez ce qu’elle dit.",
            "Qualcuno l’ha modificato da quando il modulo è stato caricato, o esiste già. Ricarica la pagina e guarda che cosa dice ora.",
            "Jemand hat es geändert, seit dieses Formular geladen wurde, oder es gibt es schon. Laden Sie die Seite neu und sehen Sie nach.",
            "Alguien lo cambió desde que se cargó este formulario, o ya existe. Vuelva a cargar la página y vea qué dice ahora.";
        too_many: "Too many attempts. Wait a while and try again.", "Trop de tentatives. Attendez un peu et réessayez.",
            "Troppi tentativi. Attendi un po’ e riprova.", "Zu viele Versuche. Warten Sie eine Weile und versuchen Sie es dann.",
            "Demasiados intentos. Espere un poco e inténtelo de nuevo.";
        wrong: "That was not right.", "Ce n’était pas correct.", "Non era corretto.", "Das war nicht richtig.", "No era correcto.";
        wrong_code: "That code was not right. Type the one that is shown now.",
            "Ce code n’était pas correct. Saisissez celui qui est affiché maintenant.",
            "Il codice non era corretto. Digita quello mostrato ora.",
            "Dieser Code war nicht richtig. Geben Sie den ein, der jetzt gezeigt wird.",
            "Ese código no era correcto. Escriba el que se muestra ahora.";
        factor_missing: "The second factor is still missing.", "Le second facteur manque encore.", "Manca ancora il secondo fattore.",
            "Der zweite Faktor fehlt noch.", "Falta aún el segundo factor.";
        signed_out: "You are signed out.", "Vous êtes déconnecté.", "Hai effettuato l’uscita.", "Sie sind abgemeldet.",
            "Ha cerrado la sesión.";
        not_possible: "That is not possible here.", "Ce n’est pas possible ici.", "Qui non è possibile.", "Das ist hier nicht möglich.",
            "Aquí no es posible.";
        failed: "Something failed on our side. Try again later.", "Un problème est survenu de notre côté. Réessayez plus tard.",
            "Qualcosa è andato storto da parte nostra. Riprova più tardi.", "Bei uns ging etwas schief. Versuchen Sie es später.",
            "Algo falló por nuestra parte. Inténtelo más tarde.";
        unconfirmed: "Your present password was missing or wrong.", "Votre mot de passe actuel manquait ou était faux.",
            "La tua password attuale mancava o era errata.", "Ihr jetziges Passwort fehlte oder war falsch.",
            "Faltaba su contraseña actual o era incorrecta.";
        forged: "This form did not come from a page of this session.", "Ce formulaire ne vient pas d’une page de cette session.",
            "Questo modulo non viene da una pagina di questa sessione.",
            "Dieses Formular kam nicht von einer Seite dieser Sitzung.",
            "Este formulario no viene de una página de esta sesión.";
        malformed: "A field is not what it should be.", "Un champ n’est pas ce qu’il devrait être.", "Un campo non è come dovrebbe.",
            "Ein Feld ist nicht, was es sein soll.", "Un campo no es lo que debería.";
        required: "Something is missing.", "Il manque quelque chose.", "Manca qualcosa.", "Etwas fehlt.", "Falta algo.";
        too_short: "At least {} characters.", "Au moins {} caractères.", "Almeno {} caratteri.", "Mindestens {} Zeichen.",
            "Al menos {} caracteres.";
        too_long: "At most {} characters.", "Au plus {} caractères.", "Al massimo {} caratteri.", "Höchstens {} Zeichen.",
            "Como máximo {} caracteres.";
        too_common: "That is too easy to guess.", "C’est trop facile à deviner.", "È troppo facile da indovinare.",
            "Das ist zu leicht zu erraten.", "Es demasiado fácil de adivinar.";
        back: "Back", "Retour", "Indietro", "Zurück", "Volver";
        error: "Error:", "Erreur :", "Errore:", "Fehler:", "Error:";
    }
}
