//! Resources and what they say of themselves, apart: the server needs the routes, `docs/openapi.json` is made from the rest.
//!
//! A description is a megabyte of heap and its making half a megabyte of code, so the server serves the file, and nothing that
//! makes it is compiled into it; a test compares the two.

use axum::{Router, routing::MethodRouter};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;

/// Handlers of one path: what they serve, and what they say of themselves.
pub(super) struct Resource<S, D> {
    pub(super) served: S,
    pub(super) described: D,
}

/// A collection of resources, of which either the routes or the descriptions are wanted.
pub(super) trait Resources: Default {
    /// With one more.
    fn routes<S, D>(self, resource: Resource<S, D>) -> Self
    where
        S: FnOnce() -> (String, MethodRouter<App>),
        D: FnOnce() -> UtoipaMethodRouter<App>;

    /// With others.
    fn merge(self, others: Self) -> Self;
}

impl Resources for Router<App> {
    fn routes<S, D>(self, resource: Resource<S, D>) -> Self
    where
        S: FnOnce() -> (String, MethodRouter<App>),
    {
        let (path, methods) = (resource.served)();
        self.route(&path, methods)
    }

    fn merge(self, others: Self) -> Self {
        Self::merge(self, others)
    }
}

/// Descriptions of resources.
#[derive(Default)]
pub(super) struct Described(OpenApiRouter<App>);

impl Described {
    pub(super) fn into_openapi(self) -> OpenApi {
        self.0.into_openapi()
    }
}

impl Resources for Described {
    fn routes<S, D>(self, resource: Resource<S, D>) -> Self
    where
        D: FnOnce() -> UtoipaMethodRouter<App>,
    {
        Self(self.0.routes((resource.described)()))
    }

    fn merge(self, others: Self) -> Self {
        Self(self.0.merge(others.0))
    }
}

/// Handlers of one path as a [`Resource`].
macro_rules! routes {
    ($first:path $(, $more:path)* $(,)?) => {
        $crate::native::resource::Resource {
            served: || utoipa_axum::paste! {{
                let path = utoipa_axum::routes!(@path [path()] of $first);
                let router = axum::routing::MethodRouter::new();
                let router = $crate::native::resource::on(router, utoipa_axum::routes!(@path [methods()] of $first), $first);
                $(
                    let methods = utoipa_axum::routes!(@path [methods()] of $more);
                    let router = $crate::native::resource::on(router, methods, $more);
                )*
                (path, router)
            }},
            described: || utoipa_axum::routes!($first $(, $more)*),
        }
    };
}
pub(super) use routes;

/// The router with a handler for these methods.
pub(super) fn on<T: 'static>(
    router: MethodRouter<App>,
    methods: Vec<utoipa::openapi::HttpMethod>,
    handler: impl axum::handler::Handler<T, App> + Copy,
) -> MethodRouter<App> {
    use utoipa_axum::PathItemExt as _;
    methods.into_iter().fold(router, |router, method| router.on(method.to_method_filter(), handler))
}
