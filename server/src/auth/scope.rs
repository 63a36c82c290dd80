//! Whose rows a query may see.

use crate::store::sql::{Arg, Select};

/// The parts of the tree that a query is bound to. Only this module makes one, so that no store function that reads rows of
/// premises can be called without somebody's permission behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Paths of nodes, `/id/id/`, none below another.
    nodes: Vec<String>,
}

impl Scope {
    /// The nodes where a permission was given; those below another are dropped.
    pub(super) fn of(mut nodes: Vec<String>) -> Self {
        nodes.sort();
        nodes.dedup();
        let mut kept: Vec<String> = Vec::new();
        for node in nodes {
            if !kept.last().is_some_and(|above| node.starts_with(above.as_str())) {
                kept.push(node);
            }
        }
        Self { nodes: kept }
    }

    /// Everything: for the program's own work, never for a request.
    pub(crate) fn system() -> Self {
        Self { nodes: vec!["/".to_owned()] }
    }

    /// The paths of its nodes.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// Whether it covers nothing at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node nearest to the top, by its path.
    pub fn widest(&self) -> Option<&str> {
        self.nodes.iter().min_by_key(|node| node.matches('/').count()).map(String::as_str)
    }

    /// Whether a node, given by its path, lies inside.
    pub fn covers(&self, path: &str) -> bool {
        self.nodes.iter().any(|node| path.starts_with(node.as_str())) || (path == "/" && self.reaches_top())
    }

    /// Whether a whole tree is inside: what belongs to no premises (the system's own audit rows) is then seen too.
    pub fn reaches_top(&self) -> bool {
        self.nodes.iter().any(|node| node.matches('/').count() <= 2)
    }

    /// Narrows `select` to rows whose path, by `fragment` (for example `p.path LIKE ?`), lies inside.
    pub fn restrict(&self, select: Select, fragment: &'static str) -> Select {
        let top = self.reaches_top().then(|| Arg::from("/"));
        select.and_any(fragment, self.patterns().chain(top))
    }

    /// As [`Self::restrict`] for the column `path`, and rows that everybody may know of (path `/`).
    pub fn restrict_or_public(&self, select: Select) -> Select {
        select.and_any("path LIKE ?", self.patterns().chain([Arg::from("/")]))
    }

    fn patterns(&self) -> impl Iterator<Item = Arg> {
        // Paths are made of ids and slashes: no wildcard to escape.
        self.nodes.iter().map(|node| Arg::Text(format!("{node}%")))
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn a_scope_covers_its_nodes_and_what_is_below() {
        let scope = Scope::of(vec!["/c/d/o2/".into(), "/c/d/o1/".into(), "/c/d/o1/p1/".into()]);
        assert_eq!(scope, Scope::of(vec!["/c/d/o1/".into(), "/c/d/o2/".into()]));
        assert!(scope.covers("/c/d/o1/p9/") && !scope.covers("/c/d/o3/") && !scope.covers("/c/d/") && !scope.covers("/"));
        assert!(Scope::of(vec!["/c/".into()]).covers("/") && Scope::system().covers("/x/"));
        assert!(!Scope::of(vec![]).covers("/") && Scope::of(vec![]).is_empty());
    }
}
