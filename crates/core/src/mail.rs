//! Mail: what is to be said, not how it looks. It goes out after the commit, from a bounded queue in the background.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::error::BoxError;

/// A message to one address.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// The recipient's language, BCP 47.
    pub language: Option<String>,
    /// The application or project it speaks for.
    pub sender: String,
    /// What it says.
    pub message: Message,
}

/// What a mail says.
#[derive(Clone)]
pub enum Message {
    /// Here is the link to set a new password.
    PasswordReset {
        /// The link, which holds a secret.
        link: String,
        /// How many minutes it stays open.
        minutes: u64,
    },
    /// Here is the link that proves this address is yours.
    VerifyEmail {
        /// The link, which holds a secret.
        link: String,
        /// How many minutes it stays open.
        minutes: u64,
    },
    /// Somebody invites you.
    Invitation {
        /// The link.
        link: String,
        /// Who invites.
        inviter: String,
        /// To what.
        application: String,
    },
    /// Your password was changed; if that was not you, act.
    PasswordChanged,
    /// Your account has another address now; if that was not you, act.
    EmailChanged,
    /// Whoever has a new API key may act for you; if that was not you, act.
    ApiKeyMade,
    /// Your account opens by an identity provider, too; if that was not you, act.
    ProviderLinked {
        /// The provider, as the configuration names it.
        provider: &'static str,
    },
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PasswordReset { .. } => "PasswordReset",
            Self::VerifyEmail { .. } => "VerifyEmail",
            Self::Invitation { .. } => "Invitation",
            Self::PasswordChanged => "PasswordChanged",
            Self::EmailChanged => "EmailChanged",
            Self::ApiKeyMade => "ApiKeyMade",
            Self::ProviderLinked { .. } => "ProviderLinked",
        })
    }
}

/// Delivers mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands the mail to the next server, or says why it could not.
    async fn deliver(&self, mail: &Mail) -> Result<(), BoxError>;
}

/// Takes mail and delivers it in the background.
///
/// Losing the process loses what waits here, not the state behind it: the user asks again.
#[derive(Clone, Debug)]
pub struct Outbox(mpsc::Sender<Mail>);

impl Outbox {
    const CAPACITY: usize = 1024;
    const ATTEMPTS: u32 = 3;

    /// An outbox and the work of delivering from it, to be spawned; the work ends when all outboxes are gone.
    pub fn new(mailer: Arc<dyn Mailer>) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, mut queue) = mpsc::channel::<Mail>(Self::CAPACITY);
        let delivery = async move {
            while let Some(mail) = queue.recv().await {
                Self::deliver(mailer.as_ref(), &mail).await;
            }
        };
        (Self(sender), delivery)
    }

    /// Queues a mail; a full queue drops it with an error in the log.
    pub fn send(&self, mail: Mail) {
        if let Err(refused) = self.0.try_send(mail) {
            tracing::error!(code = "mail_dropped", reason = %refused, "the mail queue is full");
        }
    }

    async fn deliver(mailer: &dyn Mailer, mail: &Mail) {
        for attempt in 1..=Self::ATTEMPTS {
            match mailer.deliver(mail).await {
                Ok(()) => return,
                Err(cause) => {
                    tracing::error!(code = "mail_failed", attempt, mail = ?mail.message, %cause, "mail was not delivered");
                }
            }
        }
    }
}
