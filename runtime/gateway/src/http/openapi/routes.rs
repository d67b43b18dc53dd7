//! Routes with their descriptions: one cannot be added without the other.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};

use super::operation::Operation;
use crate::gateway::Gateway;

/// Routes, and what they are described as.
#[derive(Default)]
pub(in crate::http) struct Routes {
    router: Router<Gateway>,
    operations: Vec<Operation>,
}

impl Routes {
    /// A route: where it is, how it is described, and who answers.
    pub(in crate::http) fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Gateway>,
        T: 'static,
    {
        // Every method that an operation is made with has a filter.
        let filter = MethodFilter::try_from(operation.method.clone()).unwrap_or(MethodFilter::GET);
        self.router = self.router.route(&operation.path, on(filter, handler));
        self.operations.push(operation);
        self
    }

    /// With these, too.
    pub(in crate::http) fn merge(mut self, others: Routes) -> Self {
        self.router = self.router.merge(others.router);
        self.operations.extend(others.operations);
        self
    }

    /// Below a path.
    pub(in crate::http) fn below(self, prefix: &str) -> Self {
        let router = Router::new().nest(prefix, self.router);
        let moved = self.operations.into_iter().map(|operation| {
            let path = match operation.path.as_str() {
                "/" => prefix.to_owned(),
                path => format!("{prefix}{path}"),
            };
            Operation { path, ..operation }
        });
        Routes { router, operations: moved.collect() }
    }

    /// Behind a guard, with what that means for all of them.
    pub(in crate::http) fn behind(
        self,
        guard: impl FnOnce(Router<Gateway>) -> Router<Gateway>,
        described: impl Fn(Operation) -> Operation,
    ) -> Self {
        let operations = self.operations.into_iter().map(described).collect();
        Routes { router: guard(self.router), operations }
    }

    /// The routes alone.
    pub(in crate::http) fn into_router(self) -> Router<Gateway> {
        self.router
    }

    /// The descriptions alone.
    pub(in crate::http) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}
