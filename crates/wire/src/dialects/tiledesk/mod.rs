//! placeholder until the dialect lands
use super::Dialect;
pub(super) const DIALECT: Dialect = Dialect {
    name: "tiledesk",
    routes: |_| axum::Router::new(),
    endpoints: &[],
    token_shape: None,
    assertion_profiles: &[],
    application_alias: "tiledesk:project",
};
