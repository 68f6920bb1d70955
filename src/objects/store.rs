//! The store of an object: one table of SQLite. All calls are synchronous; the class in JavaScript makes one transaction
//! of those that belong together.

use gateway::fleet::store::{Entry, Fault, Store};
use worker::{Result, SqlStorage, SqlStorageValue, durable::State, worker_sys::DurableObjectState};

/// The table.
pub(super) struct Sql(SqlStorage);

impl Sql {
    /// Opens it.
    pub(super) fn open(state: DurableObjectState) -> Result<Self> {
        let sql = State::from(state).storage().sql();
        sql.exec("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID", None)?;
        Ok(Self(sql))
    }

    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Fallible<()> {
        self.0.exec(statement, values).map(drop).map_err(fault)
    }
}

type Fallible<T> = core::result::Result<T, Fault>;

/// What went wrong stands in the platform's own logs.
fn fault<E>(_: E) -> Fault {
    Fault
}

fn blob(bytes: &[u8]) -> SqlStorageValue {
    SqlStorageValue::Blob(bytes.to_vec())
}

fn bytes(value: Option<SqlStorageValue>) -> Fallible<Vec<u8>> {
    match value {
        Some(SqlStorageValue::Blob(bytes)) => Ok(bytes),
        _ => Err(Fault),
    }
}

impl Store for Sql {
    fn get(&self, key: &[u8]) -> Fallible<Option<Vec<u8>>> {
        let found = self.0.exec("SELECT value FROM entries WHERE key = ?", vec![blob(key)]).map_err(fault)?;
        let row = found.raw().next().transpose().map_err(fault)?;
        row.map(|row| bytes(row.into_iter().next())).transpose()
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Fallible<()> {
        let statement =
            "INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.run(statement, vec![blob(key), blob(value)])
    }

    fn delete(&mut self, key: &[u8]) -> Fallible<()> {
        self.run("DELETE FROM entries WHERE key = ?", vec![blob(key)])
    }

    fn scan(&self, from: &[u8], to: &[u8], most: usize) -> Fallible<Vec<Entry>> {
        let statement = "SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?";
        let most = SqlStorageValue::Integer(i64::try_from(most).map_err(fault)?);
        let found = self.0.exec(statement, vec![blob(from), blob(to), most]).map_err(fault)?;
        let entry = |row: Result<Vec<SqlStorageValue>>| {
            let mut columns = row.map_err(fault)?.into_iter();
            Ok((bytes(columns.next())?, bytes(columns.next())?))
        };
        found.raw().map(entry).collect()
    }
}
