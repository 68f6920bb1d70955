//! The rules that a configuration can break, each with a number that never changes its meaning.
//!
//! 01xx the file and its values, 02xx upstreams and issuers, 03xx policies, 04xx routes, 09xx warnings.

use serde::{Serialize, Serializer};

use super::Severity;

/// Where the pages about the rules are read.
pub const PAGES: &str = "https://github.com/ferrogate/ferrogate/blob/main/docs/errors";

/// Declares [`Code`] from one line per rule.
macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        /// A rule that a configuration can break. A number is never used again for another rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every rule, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number as printed: `FG0101`.
            #[must_use]
            pub fn number(self) -> &'static str {
                match self { $(Self::$name => concat!("FG", $number),)* }
            }

            /// The rule in one sentence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    Syntax = "0101", "The file is TOML.";
    UnknownKey = "0102", "A table has only keys that its section knows.";
    MissingKey = "0103", "What a section cannot do without is there.";
    WrongType = "0104", "A value is of the type that its key takes.";
    BadName = "0105", "Names are lower case letters, digits, hyphens and underscores.";
    BadDuration = "0106", "A duration is a whole number with a unit: 250ms, 2s, 5m, 1h, 1d.";
    OutOfRange = "0107", "A value lies within its limits.";
    UnknownWord = "0108", "A value that names a choice names one that exists.";
    BadVariable = "0109", "A variable is written ${NAME} or ${NAME:-default}.";
    TooMany = "0110", "There are at most 65,535 of a kind.";
    Repeated = "0111", "Nothing is said twice.";
    EmptyList = "0112", "A list that must name something names something.";
    BadSize = "0113", "A size is a whole number of bytes with a unit: 512B, 64KB, 10MiB.";
    BadPercent = "0114", "A share is a number from 0 to 100 with a percent sign: 50%, 12.5%.";
    BadRate = "0115", "A rate is a number of requests, a window and what is counted: 60/min per principal.";
    BadCidr = "0116", "A network is an address and how many of its bits count: 10.0.0.0/8.";
    BadMediaType = "0117", "A media type is a type and a subtype: application/json, image/*, application/*+json.";
    BadHost = "0118", "A host is a name in lower case without a port: api.acme.example, *.acme.example.";
    BadInclude = "0119", "An included file is there and can be read.";
    NotInInclude = "0120", "What holds for the whole gateway stands in the main file.";
    BadDate = "0121", "A date is written as in RFC 3339: 2026-12-31, 2026-12-31T08:00:00Z.";
    BadUri = "0122", "A link has its scheme, and is not over plain http.";
    BadUrl = "0201", "The address of an upstream is an http or https URL without user, query and fragment.";
    TargetCount = "0202", "An upstream has exactly one target.";
    SecretInClear = "0203", "A secret comes from a variable and never stands in the file.";
    SecretDefault = "0204", "The variable of a secret has no default.";
    EmptyText = "0205", "A text that is compared with something says something.";
    BadBinding = "0206", "A binding is named as in wrangler.toml.";
    BadCredentials = "0207", "Credentials are one token, one user with a password, one header, or one key.";
    KeysOfAlgorithm = "0208", "An issuer has a secret for HS256, and public keys for every other algorithm.";
    BadKey = "0209", "A key of an issuer is a public key that can check its signatures.";
    PrivateKey = "0210", "Private keys stay with the issuer.";
    BadTokenWord = "0211", "What is named in a token is visible ASCII without blanks, quotes and backslashes.";
    BodyTooLargeToSign = "0212", "A body that is signed is 1 MiB at most.";
    UnknownIssuer = "0301", "`auth` names an issuer of the file.";
    UnknownPolicy = "0302", "`use` names policies of the file.";
    NoAuth = "0303", "Every route says who may ask.";
    BadScope = "0304", "A scope or a role is a scope-token of RFC 6749.";
    ScopesOnPublic = "0305", "Only a route with a token asks for scopes or roles.";
    BadOrigin = "0306", "An origin is a scheme, a host and perhaps a port, in lower case.";
    AnyOrigin = "0307", "Origins are named one by one, or by the host that they stand below.";
    BadHeaderName = "0308", "A header has a name that HTTP allows.";
    OwnedHeader = "0309", "Headers that belong to the connection are left to it.";
    BadHeaderValue = "0310", "A header has a value that HTTP allows.";
    BadTemplate = "0311", "A template is text with places that a request fills: {request.id}, {claims.NAME}, {path.NAME}.";
    ClaimsOnPublic = "0312", "Only a route with a token has claims.";
    UnknownParameter = "0313", "{path.NAME} names a parameter of the route.";
    TouchesPassThrough = "0314", "A route that passes everything through changes nothing.";
    PolicyCircle = "0315", "A policy is not made of itself.";
    SameIssuer = "0316", "The issuers of a route differ in what `iss` says.";
    UnknownRole = "0317", "A role that is named stands in `[roles]`, if the file has that table.";
    RoleCircle = "0318", "A role does not include itself.";
    BadCondition = "0319", "A condition compares something of the request: claims.tenant == path.tenant.";
    ConditionTypes = "0320", "A condition compares what can be equal.";
    SunsetBeforeSince = "0321", "A route does not end before it is deprecated.";
    BadLink = "0322", "A link goes to a path or to an http or https URL.";
    UnknownUpstream = "0401", "`upstream` names an upstream of the file.";
    BadRouteKey = "0402", "A route is named by its methods and its path: GET,HEAD /path.";
    BadMethod = "0403", "A method is one that a gateway can serve.";
    BadPath = "0404", "A path is a path that requests can have, with parameters as whole segments.";
    ReservedPath = "0405", "Paths that the gateway answers itself belong to no route.";
    Tie = "0406", "No two routes take the same requests.";
    NoAction = "0407", "A route says what becomes of its requests.";
    TwoActions = "0408", "A route does one thing with its requests.";
    BadAddress = "0409", "A redirect goes to a path or to a URL whose host stands in the file.";
    Unreachable = "0410", "A route gets some requests.";
    TooManyWays = "0411", "Few places have to be looked at to find the route of a path.";
    UnusedUpstream = "0901", "Every upstream is used by a route.";
    UnusedIssuer = "0902", "Every issuer is used by a route or a policy.";
    UnusedPolicy = "0903", "Every policy is used by a route.";
    NoRoutes = "0904", "A gateway has routes.";
    IdleOverlay = "0905", "What an environment says is different from the rest of the file.";
    ShadowedPolicy = "0906", "A policy that a route uses says something that holds for it.";
    MissingVariable = "0907", "Every variable gets a value from somewhere.";
}

impl Code {
    /// The address of the page about the rule.
    #[must_use]
    pub fn page(self) -> String {
        format!("{PAGES}/{}.md", self.number())
    }

    /// How bad it is to break the rule.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.number().starts_with("FG09") { Severity::Warning } else { Severity::Error }
    }

    /// Whether the finding counts only if it is made in every environment: what one of them uses is used.
    #[must_use]
    pub fn counts_everywhere(self) -> bool {
        matches!(self, Self::UnusedUpstream | Self::UnusedIssuer | Self::UnusedPolicy | Self::NoRoutes)
    }

    /// Whether the finding says that something is missing, which a broken line elsewhere may be the cause of.
    #[must_use]
    pub fn may_follow_from_syntax(self) -> bool {
        use Code::{
            EmptyList, MissingKey, NoAction, NoAuth, UnknownIssuer, UnknownParameter, UnknownPolicy, UnknownUpstream,
        };
        let missing =
            [MissingKey, NoAuth, NoAction, EmptyList, UnknownIssuer, UnknownPolicy, UnknownUpstream, UnknownParameter];
        missing.contains(&self) || self.severity() == Severity::Warning
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_rise() {
        let numbers: Vec<&str> = Code::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(numbers.iter().all(|number| number.len() == 6));
    }

    #[test]
    fn exactly_the_nine_hundreds_are_warnings() {
        for code in Code::ALL {
            assert_eq!(code.severity() == Severity::Warning, code.number().starts_with("FG09"), "{code:?}");
        }
    }
}
