//! What a table holds, written out again: every route with its hosts and version. Only comparing two tables asks.

use super::table::{ROOT, RouteIndex, Table};

/// A route on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which route.
    pub route: RouteIndex,
    /// The host that it is bound to; `None` for every host.
    pub host: Option<String>,
    /// The version that requests have to ask for, and whether those that name none get it.
    pub version: Option<(String, bool)>,
}

impl Table {
    /// Every route, once for each host that it is bound to.
    #[must_use]
    pub fn listed(&self) -> Vec<Listed> {
        let hosts = self.hosts.named(&self.text).map(|(host, root)| (Some(host), root));
        let mut listed = Vec::new();
        for (host, root) in std::iter::once((None, ROOT)).chain(hosts) {
            self.list(root, host.as_deref(), &mut listed);
        }
        listed
    }

    /// A tree is as deep as a pattern has segments, so this ends.
    fn list(&self, root: u32, host: Option<&str>, listed: &mut Vec<Listed>) {
        let Some(node) = self.node(root) else { return };
        for entry in self.ends(node).iter().chain(self.rest(node)) {
            let version = entry
                .asked()
                .and_then(|version| Some((self.versions.get(usize::from(version.label))?.clone(), version.default)));
            listed.push(Listed { route: entry.route, host: host.map(str::to_owned), version });
        }
        let count = node.literals.saturating_add(node.types.count_ones());
        for child in node.children..node.children.saturating_add(count) {
            self.list(child, host, listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::method::Method,
        routing::{
            build::{Binding, Builder, VersionLabel},
            pattern::Pattern,
        },
    };

    #[test]
    fn every_route_is_listed_once_for_each_host() {
        let v2 = VersionLabel { label: "v2", default: true, in_path: false };
        let routes = [
            (None, "/a/{id:int}/b", None),
            (Some("a.test"), "/a", None),
            (Some("*.b.test"), "/a", Some(v2)),
            (None, "/a/{rest...}", None),
            (None, "/", None),
        ];
        let mut builder = Builder::default();
        for (index, (host, path, version)) in routes.iter().enumerate() {
            let pattern = Pattern::parse(path).unwrap();
            let binding = Binding { pattern: &pattern, method: Method::Get, host: *host, version: *version };
            builder.insert(&binding, index as u16).unwrap();
        }
        let mut listed = builder.finish().listed();
        listed.sort_by_key(|listed| listed.route);
        let expected = routes.iter().enumerate().map(|(index, (host, _, version))| Listed {
            route: index as u16,
            host: host.map(str::to_owned),
            version: version.map(|version| (version.label.to_owned(), version.default)),
        });
        assert_eq!(listed, expected.collect::<Vec<_>>());
    }
}
