//! Tokens that take the place of others.

use ringfence_core::{authority::PresentedCredential, caller::Scope, identity::Identifier};

use super::scene::Scene;

const READY: &str = r#"{"type":"ready","session":"…","identity":"…","application":"…","resumed":false,"reached":true,
    "expires_in":"…","server_time":"…","resume":{"ticket":"…","expires_in":300}}"#;
