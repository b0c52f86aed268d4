//! The words of the first page.

use crate::looks::texts;

texts! {
    /// The words of the first page.
    Words {
        title: "See it work", "Voyez-le à l’œuvre", "Guardatelo al lavoro", "Sehen Sie, wie es arbeitet", "Véalo funcionar";
        about: "On the left a page of yours, on the right your server. Everything is real: these are the requests that your customers’ pages will send.",
            "À gauche une page à vous, à droite votre serveur. Tout est réel : ce sont les requêtes que les pages de vos clients enverront.",
            "A sinistra una pagina vostra, a destra il vostro server. Tutto è vero: sono le richieste che invieranno le pagine dei vostri clienti.",
            "Links eine Seite von Ihnen, rechts Ihr Server. Alles ist echt: Das sind die Anfragen, die die Seiten Ihrer Kunden senden werden.",
            "A la izquierda una página suya, a la derecha su servidor. Todo es real: son las peticiones que enviarán las páginas de sus clientes.";
        step_guest: "Come in as a guest", "Entrez en invité", "Entrate come ospite", "Als Gast hereinkommen", "Entre como invitado";
        step_member: "Become a member", "Devenez membre", "Diventate membro", "Mitglied werden", "Hágase miembro";
        step_device: "Open a second device", "Ouvrez un second appareil", "Aprite un secondo dispositivo",
            "Ein zweites Gerät öffnen", "Abra un segundo dispositivo";
        step_revoke: "Cut one off", "Coupez-en un", "Tagliatene fuori uno", "Eines abschneiden", "Corte uno";
        your_page: "A page of yours", "Une page à vous", "Una pagina vostra", "Eine Seite von Ihnen", "Una página suya";
        your_server: "Your server", "Votre serveur", "Il vostro server", "Ihr Server", "Su servidor";
        connected_now: "Connected now", "Connectés maintenant", "Connessi ora", "Jetzt verbunden", "Conectados ahora";
        nobody: "Nobody is connected. Come in on the left.", "Personne n’est connecté. Entrez à gauche.",
            "Nessuno è connesso. Entrate a sinistra.", "Niemand ist verbunden. Kommen Sie links herein.",
            "No hay nadie conectado. Entre por la izquierda.";
        laptop: "Laptop", "Ordinateur", "Portatile", "Laptop", "Portátil";
        phone: "Phone", "Téléphone", "Telefono", "Telefon", "Teléfono";
        email: "E-mail address", "Adresse e-mail", "Indirizzo e-mail", "E-Mail-Adresse", "Correo electrónico";
        password: "Password", "Mot de passe", "Password", "Passwort", "Contraseña";
        made_up: "Made up for you; nothing is sent anywhere.", "Inventés pour vous ; rien n’est envoyé nulle part.",
            "Inventati per voi; nulla viene inviato altrove.", "Für Sie erfunden; nichts wird irgendwohin gesendet.",
            "Inventados para usted; no se envía nada a ningún sitio.";
        token: "Access token", "Jeton d’accès", "Token di accesso", "Zugriffstoken", "Token de acceso";
        automatic: "Renew by itself", "Renouveler tout seul", "Rinnova da sé", "Von selbst erneuern", "Renovar por sí solo";
        renew: "Renew now", "Renouveler", "Rinnova ora", "Jetzt erneuern", "Renovar ahora";
        leave: "Leave", "Partir", "Esci", "Verlassen", "Salir";
        sign_in_here: "Sign in here, too", "Se connecter ici aussi", "Accedi anche qui", "Auch hier anmelden",
            "Iniciar sesión también aquí";
        code: "The same in your code", "La même chose dans votre code", "Lo stesso nel vostro codice",
            "Dasselbe in Ihrem Code", "Lo mismo en su código";
        code_about: "With the ids of this page, ready to paste.", "Avec les identifiants de cette page, prêt à coller.",
            "Con gli identificativi di questa pagina, pronto da incollare.", "Mit den Kennungen dieser Seite, zum Einfügen bereit.",
            "Con los identificadores de esta página, listo para pegar.";
        action_guest: "Guest", "Invité", "Ospite", "Gast", "Invitado";
        action_member: "Member", "Membre", "Membro", "Mitglied", "Miembro";
        action_device: "Second device", "Second appareil", "Secondo dispositivo", "Zweites Gerät", "Segundo dispositivo";
        action_renew: "Renew", "Renouveler", "Rinnova", "Erneuern", "Renovar";
        action_leave: "Leave", "Partir", "Esci", "Verlassen", "Salir";
        action_revoke: "Revoke", "Révoquer", "Revoca", "Widerrufen", "Revocar";
        vendor: "Vendor’s SDK, unchanged", "SDK du fournisseur, inchangé", "SDK del fornitore, invariato",
            "SDK des Anbieters, unverändert", "SDK del proveedor, sin cambios";
        frames: "What the sockets say", "Ce que disent les sockets", "Che cosa dicono i socket", "Was die Sockets sagen",
            "Lo que dicen los sockets";
        frames_none: "Nothing yet.", "Rien encore.", "Ancora nulla.", "Noch nichts.", "Nada todavía.";
        no_script: "The demonstration needs JavaScript.", "La démonstration a besoin de JavaScript.",
            "La dimostrazione ha bisogno di JavaScript.", "Die Vorführung braucht JavaScript.",
            "La demostración necesita JavaScript.";
        addresses: "Point your clients here", "Dirigez vos clients ici", "Puntate qui i vostri client",
            "Hierher zeigen Ihre Clients", "Dirija aquí sus clientes";
        addresses_about: "Clients of these systems work unchanged; only the address is yours.",
            "Les clients de ces systèmes fonctionnent sans changement ; seule l’adresse est la vôtre.",
            "I client di questi sistemi funzionano senza modifiche; solo l’indirizzo è vostro.",
            "Clients dieser Systeme arbeiten unverändert; nur die Adresse ist Ihre.",
            "Los clientes de estos sistemas funcionan sin cambios; solo la dirección es suya.";
        native: "Native API", "API native", "API nativa", "Eigene API", "API nativa";
        console: "Console", "Console", "Console", "Konsole", "Consola";
        mailbox: "Mailbox", "Boîte aux lettres", "Casella", "Postfach", "Buzón";
        keys: "Public keys", "Clés publiques", "Chiavi pubbliche", "Öffentliche Schlüssel", "Claves públicas";
        running: "This server signs people in for applications that know it. There is nothing to do for people here.",
            "Ce serveur connecte les utilisateurs d’applications qui le connaissent. Il n’y a rien à faire ici.",
            "Questo server fa accedere le persone per le applicazioni che lo conoscono. Qui non c’è nulla da fare.",
            "Dieser Server meldet Menschen für Anwendungen an, die ihn kennen. Für Menschen gibt es hier nichts zu tun.",
            "Este servidor identifica a las personas para las aplicaciones que lo conocen. Aquí no hay nada que hacer.";
    }
}
