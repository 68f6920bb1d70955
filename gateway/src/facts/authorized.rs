//! The proof that a request may go on.

/// Held by whoever may reach an upstream. Only the `authz` stage makes one (a test reads the code to see to
/// it), and forwarding takes one: a pipeline without `authz` does not compile.
#[derive(Debug)]
pub struct Authorized(());

impl Authorized {
    /// For a route that is open to everybody.
    pub(crate) fn public() -> Self {
        Self(())
    }

    /// For a principal that holds every scope that the route asks for, which may be none.
    pub(crate) fn with_scopes() -> Self {
        Self(())
    }

    /// For a request that meets every condition of the route as well.
    pub(crate) fn on_conditions() -> Self {
        Self(())
    }

    /// For a principal that holds one of the roles that the route asks for as well.
    pub(crate) fn with_roles() -> Self {
        Self(())
    }
}
