//! The token that an operator shows: one from the environment, or, for work on one's own machine, one that is made.

use gateway::stages::{
    admin::{Admin, Role},
    authn::Issuer,
};
use serde_json::{Map, Value};

use super::place::Known;
use crate::{Failure, host::Host, signing, values::Sources};

/// Never an argument: that would stand in the shell's history and in the list of processes.
const VARIABLE: &str = "FERROGATE_TOKEN";
/// Long enough for one request, however far the clocks are apart.
const LIFE_S: u32 = 60;
/// Who asks where the machine does not say.
const NOBODY: &str = "cli";

/// A token; nothing shows it.
pub(super) struct Token {
    pub(super) text: String,
    made: Option<Made>,
}

/// How a token was made.
pub(super) struct Made {
    subject: String,
    role: String,
    issuer: String,
    file: String,
}

impl Token {
    /// What is said of a token that was made.
    pub(super) fn told(&self) -> Option<String> {
        let Made { subject, role, issuer, file } = self.made.as_ref()?;
        let subject = subject.escape_debug();
        Some(format!(
            "{VARIABLE} is not set; asking as {subject} with role {role}, by a token for a minute that is signed with the \
             key of issuer {issuer} in {file}"
        ))
    }

    /// What may be the matter with it when the gateway does not believe it.
    pub(super) fn doubt(&self) -> String {
        match &self.made {
            None => format!("{VARIABLE} must hold a token that has not expired, of the issuer that [admin] names"),
            Some(made) => {
                let file = &made.file;
                format!(
                    "does the gateway run {file}, with the same secret? Else set {VARIABLE} to a token of its issuer"
                )
            }
        }
    }
}

/// The token for somebody who needs a role.
pub(super) fn find(host: &dyn Host, known: Option<&Known>, role: Role) -> Result<Token, Failure> {
    let Some(given) = host.variable(VARIABLE).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
        return make(host, known, role);
    };
    if given.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Token { text: given, made: None })
    } else {
        Err(Failure::Findings(format!(
            "{VARIABLE} holds no token: expected letters, digits, points and such, no blanks"
        )))
    }
}

fn make(host: &dyn Host, known: Option<&Known>, role: Role) -> Result<Token, Failure> {
    let Some(known) = known else {
        return Err(none("name with --config a gateway.toml that has [admin], to have one made"));
    };
    let Some(admin) = &known.blueprint.admin else {
        let file = &known.file;
        return Err(none(&format!("write [admin] with `auth` into {file}, which has none, to have one made")));
    };
    let issuer = known.blueprint.issuers.get(usize::from(admin.issuer));
    let issuer = issuer.ok_or_else(|| none("the issuer of [admin] is not there"))?;
    let sources = Sources::of(host, &known.file, known.environment.as_deref(), &[])?;
    let values = signing::values(&known.blueprint, issuer, |name| sources.value(name)).map_err(why)?;
    let subject = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| host.variable(name));
    let subject = subject.filter(|name| !name.is_empty()).unwrap_or_else(|| NOBODY.to_owned());
    let role = first(admin, role).ok_or_else(|| none("[admin] names no role that may do this"))?;
    let mut claims = signing::claims(issuer, &values, &subject, host.now_s(), LIFE_S);
    hold(&mut claims, issuer, &role);
    let text = signing::sign(issuer, &values, claims).map_err(why)?;
    let made = Made { subject, role, issuer: issuer.name.clone(), file: known.file.clone() };
    Ok(Token { text, made: Some(made) })
}

/// A role that suffices: the one that is named like it, for it does not do for more, or else the first.
fn first(admin: &Admin, role: Role) -> Option<String> {
    let own = match role {
        Role::Viewer => &admin.viewer,
        Role::Operator => &admin.operator,
        Role::Admin => &admin.admin,
    };
    let like = own.iter().find(|name| *name == role.word()).or(own.first());
    like.cloned().or_else(|| admin.holders(role).into_iter().next())
}

/// Puts a role where the issuer has roles: dots lead into claims inside claims.
fn hold(claims: &mut Map<String, Value>, issuer: &Issuer, role: &str) {
    let names: Vec<&str> = issuer.names.roles.split('.').collect();
    let Some((outermost, inner)) = names.split_first() else { return };
    let roles = Value::Array(vec![role.into()]);
    let nested = inner.iter().rev().fold(roles, |value, name| {
        let mut object = Map::new();
        object.insert((*name).to_owned(), value);
        Value::Object(object)
    });
    claims.insert((*outermost).to_owned(), nested);
}

fn none(help: &str) -> Failure {
    Failure::Findings(format!("there is no token: set {VARIABLE} to one of the issuer that [admin] names, or {help}"))
}

fn why(failure: Failure) -> Failure {
    match failure {
        Failure::Findings(message) => {
            Failure::Findings(format!("there is no token: {VARIABLE} is not set, and none can be made:\n  {message}"))
        }
        other => other,
    }
}
