//! `/health/migrations`: how far the database is, beside what this Worker was written for.
//!
//! wrangler applies migrations and writes down which in the table `d1_migrations`. A database that is further than the
//! Worker is fine: migrations expand before they contract (migrations/README.md).

use serde::Serialize;

use super::NOT_READY;
use crate::{
    http::{edits::Edits, problem::Problem, reply::Made},
    ports::statements::Statement,
};

/// The migrations of this version, in their order: the files of the folder `migrations`, as a test sees to.
pub const KNOWN: [&str; 1] = ["0001_audit_logs.sql"];

/// Whether there is a table of migrations: before the first one there is none.
#[must_use]
pub fn table() -> Statement {
    Statement::new("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'd1_migrations'")
}

/// Which have been applied, in their order.
#[must_use]
pub fn applied() -> Statement {
    Statement::new("SELECT name FROM d1_migrations ORDER BY id")
}

#[derive(Serialize)]
struct Document<'a> {
    status: &'static str,
    /// The last one that the database has.
    current: Option<&'a str>,
    /// The last one that this Worker knows.
    head: Option<&'a str>,
    /// Those that the database does not have yet.
    pending: Vec<&'a str>,
    /// Those that the database has and this Worker does not know.
    unknown: Vec<&'a str>,
}

/// The answer.
#[must_use]
pub fn answer(applied: &[String]) -> Made {
    let is_applied = |known: &&str| applied.iter().any(|applied| applied == known);
    let pending: Vec<&str> = KNOWN.into_iter().filter(|known| !is_applied(known)).collect();
    let names = || applied.iter().map(String::as_str);
    let document = Document {
        status: if pending.is_empty() { "current" } else { "pending" },
        current: names().next_back(),
        head: KNOWN.last().copied(),
        pending,
        unknown: names().filter(|name| !KNOWN.contains(name)).collect(),
    };
    let mut head = Edits::default();
    head.set("content-type", "application/json");
    head.set("cache-control", "no-store");
    Made { status: 200, head, body: serde_json::to_string(&document).unwrap_or_default().into() }
}

/// The database does not answer, or is not there.
#[must_use]
pub fn unknown() -> Problem {
    let detail = "The database did not say which migrations it has.";
    Problem::new(&NOT_READY, detail).header("retry-after", "5").field("database", "an answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> String {
        let applied: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        answer(&applied).body.to_string()
    }

    #[test]
    fn what_the_database_lacks_and_what_it_has_besides_is_told() {
        let [first] = KNOWN;
        assert_eq!(
            told(&[]),
            format!(r#"{{"status":"pending","current":null,"head":"{first}","pending":["{first}"],"unknown":[]}}"#)
        );
        assert_eq!(
            told(&[first]),
            format!(r#"{{"status":"current","current":"{first}","head":"{first}","pending":[],"unknown":[]}}"#)
        );
        assert_eq!(
            told(&[first, "9999_later.sql"]),
            format!(
                r#"{{"status":"current","current":"9999_later.sql","head":"{first}","pending":[],"unknown":["9999_later.sql"]}}"#
            )
        );
    }

    #[test]
    fn the_list_is_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = names.filter(|name| name.ends_with(".sql")).collect();
        files.sort();
        assert_eq!(files, KNOWN);
    }
}
