//! The pages of `docs/reference`, made from the model: one for each section, one for environments, one for how values
//! are written, and the list of all of them.
//!
//! What keys are for is said in the comments where they are declared. Here is only how that is laid out. How keys work
//! together is told by hand, in `docs/configuration.md`.

use std::collections::BTreeMap;

use super::model::{self, Section};
use crate::config::{
    model::{DURATION, Grammar, Key, Presence, Shape},
    values::listed,
};

const GENERATED: &str = "<!-- Generated from the comments beside the code: change those, then run\n     \
                         UPDATE_REFERENCE=1 cargo test -p gateway --features compiler --test native reference -->";

/// Every page: its file name and its text.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let sections = model::sections();
    let page = |section: &Section| (format!("{}.md", section.name), section_page(section, &sections));
    let mut pages: Vec<(String, String)> = sections.iter().map(page).collect();
    pages.push(("environments.md".to_owned(), environments_page()));
    pages.push(("values.md".to_owned(), values_page(&sections)));
    pages.push(("README.md".to_owned(), index_page(&sections)));
    pages
}

// ---- sections ------------------------------------------------------------------------------------------------------

fn section_page(section: &Section, sections: &[Section]) -> String {
    let shared = shared(section, sections);
    let own: Vec<&Key> = section.keys.iter().filter(|key| !shared.contains(key)).collect();
    let mut blocks = vec![GENERATED.to_owned(), format!("# `{}`", header(section)), section.about.to_owned()];
    if let (Some(names), Some(values)) = (&section.named, &section.values) {
        blocks.push(format!("Each key is {}, each value {}.", linked(names), words(values)));
        return finished(&blocks);
    }
    blocks.extend(section.named.map(|names| named_by(&names)));
    if section.name == "gateway" {
        blocks.push(format!("Above it, at the top of the file, can stand [`include`](#{}).", anchor("include")));
    }
    blocks.push(overview(own.iter().copied(), "", section.one_of));
    if !shared.is_empty() {
        blocks.push("Every key of a policy can stand here too:".to_owned());
        blocks.push(overview(shared.iter(), "policies.md", &[]));
    }
    own.iter().for_each(|key| push_key(&mut blocks, key, "", section.one_of));
    if section.name == "gateway" {
        push_key(&mut blocks, &model::include(), "", &[]);
    }
    finished(&blocks)
}

/// The keys of policies in a section that has them beside its own.
fn shared<'m>(section: &Section, sections: &'m [Section]) -> &'m [Key] {
    let policies = sections.iter().find(|other| other.name == "policies" && other.name != section.name);
    let keys = policies.map_or(&[] as &[Key], |policies| &policies.keys);
    if keys.iter().all(|key| section.keys.contains(key)) { keys } else { &[] }
}

fn header(section: &Section) -> String {
    match section.named {
        None => format!("[{}]", section.name),
        Some(_) if section.values.is_some() => format!("[{}]", section.name),
        Some(_) if section.name == "routes" => "[routes.\"METHOD /path\"]".to_owned(),
        Some(_) => format!("[{}.NAME]", section.name),
    }
}

/// A table of keys, each with the first sentence about it.
fn overview<'k>(keys: impl Iterator<Item = &'k Key>, page: &str, one_of: &[&str]) -> String {
    let row = |key: &Key| {
        let link = format!("[`{}`]({page}#{})", key.name, anchor(key.name));
        format!("| {link} | {} | {} |", presence(key, one_of), key.summary().replace('|', "\\|"))
    };
    let rows: Vec<String> = keys.map(row).collect();
    format!("| key | | |\n|---|---|---|\n{}", rows.join("\n"))
}

/// All about a key, and behind it all about the keys of its table. `parent` is the key that it stands below.
fn push_key(blocks: &mut Vec<String>, key: &Key, parent: &str, one_of: &[&str]) {
    let path = if parent.is_empty() { key.name.to_owned() } else { format!("{parent}.{}", key.name) };
    let level = if parent.is_empty() { "##" } else { "###" };
    blocks.push(format!("{level} `{path}`"));
    blocks.push(key.text());
    let mut facts = vec![format!("- {}", words(&key.shape)), format!("- {}", presence(key, one_of))];
    facts.extend(key.example().map(|example| format!("- example: `{example}`")));
    blocks.push(facts.join("\n"));
    tables(&key.shape).iter().for_each(|key| push_key(blocks, key, &path, &[]));
}

fn presence(key: &Key, one_of: &[&str]) -> String {
    match key.presence {
        _ if one_of.contains(&key.name) => format!("one of {}", listed(one_of.iter().copied())),
        Presence::Required => "required".to_owned(),
        Presence::Optional => "optional".to_owned(),
        Presence::Default(text) => format!("default `{text}`"),
    }
}

/// The keys of the tables that a value can be.
fn tables(shape: &Shape) -> Vec<Key> {
    match shape {
        Shape::Table(keys) => keys.clone(),
        Shape::List(inner) | Shape::Map(_, inner) => tables(inner),
        Shape::Any(shapes) => shapes.iter().flat_map(tables).collect(),
        _ => Vec::new(),
    }
}

/// What a value looks like, in words.
fn words(shape: &Shape) -> String {
    match shape {
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::False => "`false`".to_owned(),
        Shape::Integer(low, high) => format!("a whole number, {low} to {high}"),
        Shape::Numbers(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            listed(numbers.iter().map(String::as_str))
        }
        Shape::Text(grammar) => linked(grammar),
        Shape::Duration(limits) => format!("{}, {limits}", linked(&DURATION)),
        Shape::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            listed(words.iter().map(String::as_str))
        }
        Shape::Name(table) => format!("the name of one of the [{table}]({table}.md)"),
        Shape::List(element) => format!("a list, each entry {}", words(element)),
        Shape::Table(_) => "a table with the keys below".to_owned(),
        Shape::Map(names, value) => {
            format!("a table, each key {}, each value {}", linked(names), words(value).replace("; or", " or"))
        }
        Shape::Any(shapes) => shapes.iter().map(words).collect::<Vec<_>>().join("; or "),
    }
}

// ---- the other pages -----------------------------------------------------------------------------------------------

fn environments_page() -> String {
    let blocks = [
        GENERATED.to_owned(),
        "# `[env.NAME]`".to_owned(),
        model::ENVIRONMENTS.to_owned(),
        named_by(&model::NAME),
        "Nothing is required in it, and it has no keys of its own: `[env.staging.upstreams.catalog]` takes the keys of \
         [`[upstreams.NAME]`](upstreams.md), and so on for every section."
            .to_owned(),
        "A key that says what the rest of the file says anyway is a warning (FG0905).".to_owned(),
        "```toml\n[env.staging.upstreams.catalog]\ntimeout = \"10s\"\n```".to_owned(),
    ];
    finished(&blocks)
}

/// Every grammar once, with the keys that take it.
fn values_page(sections: &[Section]) -> String {
    let mut uses: BTreeMap<&str, (Grammar, Vec<String>)> = BTreeMap::new();
    let mut note = |grammar: Grammar, place: String| {
        let (_, places) = uses.entry(grammar.name).or_insert((grammar, Vec::new()));
        if !places.contains(&place) {
            places.push(place);
        }
    };
    for section in sections {
        if let Some(names) = section.named {
            note(names, format!("[`{}`]({}.md)", header(section), section.name));
        }
        for grammar in section.values.iter().flat_map(grammars) {
            note(grammar, format!("[`{}`]({}.md)", header(section), section.name));
        }
        let shared = shared(section, sections);
        let own = section.keys.iter().filter(|key| !shared.contains(key));
        own.for_each(|key| note_key(key, &format!("{}.md", section.name), "", &mut note));
    }
    note_key(&model::include(), "gateway.md", "", &mut note);
    note(model::NAME, "[`[env.NAME]`](environments.md)".to_owned());

    let mut blocks = vec![GENERATED.to_owned(), "# Values".to_owned(), VALUES.to_owned()];
    uses.values().for_each(|(grammar, places)| push_grammar(&mut blocks, grammar, places));
    finished(&blocks)
}

const VALUES: &str = "How the texts of the file are written. The patterns are those of the schema: every right value \
                      matches, but not everything that matches is right. `ferrogate check` has the last word.";

fn note_key(key: &Key, page: &str, parent: &str, note: &mut impl FnMut(Grammar, String)) {
    let path = if parent.is_empty() { key.name.to_owned() } else { format!("{parent}.{}", key.name) };
    for grammar in grammars(&key.shape) {
        note(grammar, format!("[`{path}`]({page}#{})", anchor(&path)));
    }
    tables(&key.shape).iter().for_each(|inner| note_key(inner, page, &path, note));
}

/// The grammars that a value can have, without those of its table's keys.
fn grammars(shape: &Shape) -> Vec<Grammar> {
    match shape {
        Shape::Text(grammar) => vec![*grammar],
        Shape::Duration(_) => vec![DURATION],
        Shape::List(inner) => grammars(inner),
        Shape::Map(names, value) => [vec![*names], grammars(value)].concat(),
        Shape::Any(shapes) => shapes.iter().flat_map(grammars).collect(),
        _ => Vec::new(),
    }
}

fn push_grammar(blocks: &mut Vec<String>, grammar: &Grammar, places: &[String]) {
    blocks.push(format!("## {}", capital(grammar.name)));
    blocks.push(told(grammar));
    blocks.push(format!("- example: `\"{}\"`\n- where: {}", grammar.example, places.join(", ")));
    blocks.extend(grammar.pattern.map(|pattern| format!("```text\n{pattern}\n```")));
}

fn index_page(sections: &[Section]) -> String {
    let row = |section: &Section| {
        let file = format!("{}.md", section.name);
        let shared = shared(section, sections);
        let own = section.keys.iter().filter(|key| !shared.contains(key));
        let own = own.map(|key| format!("[`{}`]({file}#{})", key.name, anchor(key.name)));
        let own = own.chain(section.values.iter().map(|_| "names of roles".to_owned()));
        let rest = (!shared.is_empty()).then(|| "[those of policies](policies.md)".to_owned());
        let keys: Vec<String> = own.chain(rest).collect();
        format!("| [`{}`]({file}) | {} |", header(section), keys.join(", "))
    };
    let rows: Vec<String> = sections.iter().map(row).collect();
    let blocks = [
        GENERATED.to_owned(),
        "# Reference of `gateway.toml`".to_owned(),
        "Every key: what it is for, what it takes and what holds without it. How they work together is told in \
         [configuration.md](../configuration.md)."
            .to_owned(),
        format!("| section | keys |\n|---|---|\n{}", rows.join("\n")),
        format!(
            "- [`include`](gateway.md#{}): other files that belong to the gateway\n- \
             [`[env.NAME]`](environments.md): what is different in an environment\n- \
             [Values](values.md): how durations, sizes, addresses and all other texts are written",
            anchor("include")
        ),
        "Editors get the same from [gateway.schema.json](../../gateway.schema.json).".to_owned(),
    ];
    finished(&blocks)
}

// ---- text ----------------------------------------------------------------------------------------------------------

fn named_by(names: &Grammar) -> String {
    format!("It is named by {}. {}", linked(names), told(names))
}

/// `a [duration](values.md#duration)`
fn linked(grammar: &Grammar) -> String {
    let article = if grammar.name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} [{}](values.md#{})", grammar.name, anchor(grammar.name))
}

/// How a value is written, as a sentence.
fn told(grammar: &Grammar) -> String {
    format!("{}.", capital(grammar.sentence.trim_end_matches('.')))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The anchor of a heading, as GitHub makes it: without punctuation, blanks become hyphens.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn finished(blocks: &[String]) -> String {
    format!("{}\n", blocks.join("\n\n"))
}
