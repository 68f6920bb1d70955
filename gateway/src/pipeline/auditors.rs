//! The audit log for operators: its rows in pages, exports, and whether its chain holds.

use serde::Serialize;

use crate::{
    fleet::{
        audit::{
            self, Answer, Audit, Question,
            chain::{Broken, Check, Head},
            reading::{self, Cursor, Filters},
            row::Row,
            statements,
        },
        message,
    },
    http::{accept, problem::Problem, query, reply::Made, request::Header},
    pipeline::exchange::Exchange,
    ports::{Ports, errands::Errand, statements as sql},
    stages::admin::{ADMIN_REQUEST_INVALID, DATABASE_UNREACHABLE, json, text},
};

/// How long the database is waited for, in milliseconds.
const READ_MS: u32 = 5_000;

/// Rows in a page when the query says nothing.
const DEFAULT_ROWS: u64 = 100;

/// In which form rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Page,
    Lines,
    Csv,
}

/// The rows that a query asks for: filters, `limit`, `cursor` and `format`.
pub(super) async fn rows<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    let (mut cursor, mut limit, mut form, mut filters) = (None, DEFAULT_ROWS, preferred(exchange), Vec::new());
    let asked = pairs(exchange)?;
    for (name, value) in &asked {
        match name.as_str() {
            "cursor" => {
                let read = Cursor::parse(value).ok_or_else(|| invalid("cursor", "what a page said in `next`"))?;
                cursor = Some(read);
            }
            "limit" => {
                let read = value.parse().ok().filter(|limit| (1..=reading::MOST).contains(limit));
                limit = read.ok_or_else(|| invalid("limit", "1 to 1000"))?;
            }
            "format" => {
                form = match value.as_str() {
                    "json" => Form::Page,
                    "jsonl" => Form::Lines,
                    "csv" => Form::Csv,
                    _ => return Err(invalid("format", "json, jsonl or csv")),
                };
            }
            _ => filters.push((name.as_str(), value.as_str())),
        }
    }
    let filters = Filters::read(filters).map_err(|wrong| invalid(wrong.name, wrong.expected))?;
    let asked = sql::run(&[reading::query(&filters, cursor.as_ref(), limit)]);
    let rows = read(&ask(asked, ports).await?)?;
    Ok(told(&rows, limit, form))
}

fn told(rows: &[Row], limit: u64, form: Form) -> Made {
    let shown = rows.get(..usize::try_from(limit).unwrap_or(usize::MAX)).unwrap_or(rows);
    let mut made = match form {
        Form::Page => return text(200, "application/json", reading::page(rows, limit)),
        Form::Lines => text(200, "application/jsonl", shown.iter().map(reading::json_line).collect()),
        Form::Csv => {
            let records: String = shown.iter().map(reading::csv_record).collect();
            text(200, "text/csv; charset=utf-8; header=present", [reading::CSV_HEAD, &records].concat())
        }
    };
    // An export has no place for it inside.
    if let Some(last) = shown.last().filter(|_| rows.len() > shown.len()) {
        made.head.set("x-next-cursor", Cursor::behind(last).text());
    }
    made
}

fn preferred(exchange: &Exchange<'_>) -> Form {
    let accept = exchange.header(Header::Accept);
    if accept::names(accept, "text/csv", "application/json") { Form::Csv } else { Form::Page }
}

#[derive(Serialize)]
struct Verified {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenAt>,
    /// How many rows were looked at this time.
    checked: u64,
    /// Where it was stopped; behind it goes the next question, unless this was the end.
    sequence: u64,
    hash: String,
    complete: bool,
    unlinked: u64,
}

#[derive(Serialize)]
struct BrokenAt {
    sequence: u64,
    id: Option<String>,
    why: &'static str,
}

/// Looks at the next rows of the chain: behind `after` and `hash`, or from its beginning.
pub(super) async fn verify<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    let from = place(&pairs(exchange)?)?;
    let asked = sql::run(&[statements::linked_after(from.sequence)]);
    let rows = read(&ask(asked, ports).await?)?;
    let complete = (rows.len() as u64) < statements::PAGE;
    let counted = ask(sql::run(&[statements::count_unlinked()]), ports).await?;
    let counted = sql::rows(&counted).ok_or_else(unreachable_database)?;
    let anchor = if complete { anchor(ports).await } else { None };
    let mut check = Check::new(from, anchor);
    let found = rows.iter().try_for_each(|row| check.next(row));
    let (head, checked) = check.place();
    let found = if complete { found.and_then(|()| check.finish().map(drop)) } else { found };
    let broken = found.err().map(|Broken { sequence, id, why }| BrokenAt { sequence, id, why: why.text() });
    Ok(json(
        200,
        &Verified {
            ok: broken.is_none(),
            broken,
            checked,
            sequence: head.sequence,
            hash: head.hex(),
            complete,
            unlinked: counted.first().and_then(|counted| counted.number("count")).unwrap_or_default(),
        },
    ))
}

/// The rows of an answer, all or none.
fn read(answer: &[u8]) -> Result<Vec<Row>, Problem> {
    let records = sql::rows(answer).ok_or_else(unreachable_database)?;
    records.iter().map(|record| Row::of(record).ok_or_else(unreachable_database)).collect()
}

/// Where the object that links rows says that the chain ends; nothing where it does not answer.
async fn anchor<P: Ports>(ports: &P) -> Option<Head> {
    let answer = ports.run(audit::ask(Question::Head), READ_MS).await.ok()?;
    match message::read_answer::<Audit>(answer)? {
        Answer::Head(head) => head,
        Answer::Noted => None,
    }
}

fn place(pairs: &[(String, String)]) -> Result<Head, Problem> {
    let (mut after, mut hash) = (None, None);
    for (name, value) in pairs {
        match name.as_str() {
            "after" => after = value.parse::<u64>().ok(),
            "hash" => hash = Some(value.as_str()),
            _ => return Err(invalid(name.clone(), "after and hash, or nothing")),
        }
    }
    match (after, hash) {
        (None, None) => Ok(Head::default()),
        (Some(after), Some(hash)) => Head::parse(after, hash).ok_or_else(|| invalid("hash", "64 hexadecimal digits")),
        _ => Err(invalid("after", "a number, and the hash of that row")),
    }
}

/// The pairs of the query, decoded; each name once.
pub(super) fn pairs(exchange: &Exchange<'_>) -> Result<Vec<(String, String)>, Problem> {
    let query = exchange.head.query();
    let pieces = query::pieces(query.strip_prefix('?').unwrap_or(query)).filter(|piece| !piece.is_empty());
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in pieces.map(query::pair) {
        let decoded = query::decode(name).zip(query::decode(value));
        let (name, value) = decoded.ok_or_else(|| invalid("query", "text in UTF-8"))?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(invalid(name, "once"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

async fn ask<P: Ports>(errand: Errand, ports: &P) -> Result<Vec<u8>, Problem> {
    ports.run(errand, READ_MS).await.map_err(|_| unreachable_database())
}

fn unreachable_database() -> Problem {
    let detail = "The database did not answer, has not been migrated, or this gateway has none.";
    Problem::new(&DATABASE_UNREACHABLE, detail).header("retry-after", "5")
}

pub(super) fn invalid(
    field: impl Into<std::borrow::Cow<'static, str>>,
    expected: impl Into<std::borrow::Cow<'static, str>>,
) -> Problem {
    Problem::new(&ADMIN_REQUEST_INVALID, "The query asks for something that this path does not have.")
        .field(field, expected)
}
