//! Declaring the keys of a table once: [`keys!`] makes of one declaration the structure that they are read into, the
//! reading, and the [`model`](super::model) that documentation and schema are made from.

use super::{diagnostics::Span, model::Presence, reader::Setting};

/// A key of a table: absent, wrong (which has been reported) or set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<T>(pub Option<Setting<T>>);

impl<T> Default for Key<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Key<T> {
    /// The value, if it is there and right.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()?.value.as_ref()
    }

    /// The value of a key that must be there.
    #[must_use]
    pub fn take(self) -> Option<T> {
        self.0?.value
    }

    /// The value, or `default` when the key is absent; `None` when it is wrong.
    #[must_use]
    pub fn or(self, default: T) -> Option<T> {
        self.0.map_or(Some(default), |setting| setting.value)
    }

    /// The value if there is one; `None` when it is wrong.
    #[must_use]
    pub fn maybe(self) -> Option<Option<T>> {
        self.0.map_or(Some(None), |setting| setting.value.map(Some))
    }
}

/// What a key that is set looks like in the file, whatever it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The key's name.
    pub name: &'static str,
    /// Where the key stands.
    pub key: Span,
    /// Where the value stands.
    pub value: Span,
}

/// A group of keys that can stand in a table, made by [`keys!`].
pub trait Keys: Sized + Default {
    /// Reads them out of a table that may have others too.
    fn read(table: &mut super::reader::Reader<'_>) -> Self;
    /// What they are.
    fn model() -> Vec<super::model::Key>;
    /// Those that are set.
    fn written(&self) -> Vec<Written>;
}

/// Declares a group of keys:
///
/// ```text
/// keys! {
///     /// What the group is for.
///     pub struct Keys {
///         /// What the key does: for whoever writes the file.
///         max_age: u32 [Default("10m")] = kinds::seconds(0..=86_400),
///     }
/// }
/// ```
///
/// Each key has a type, a [`Presence`] in brackets, and the [`Kind`](super::kinds::Kind) that reads it.
macro_rules! keys {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $Name:ident {
            $($(#[doc = $doc:literal])* $key:ident : $T:ty [$presence:expr] = $kind:expr,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, Default)]
        $visibility struct $Name {
            $($(#[doc = $doc])* pub $key: $crate::config::keys::Key<$T>,)*
        }

        impl $crate::config::keys::Keys for $Name {
            fn read(table: &mut $crate::config::reader::Reader<'_>) -> Self {
                #[allow(unused_imports, reason = "a group need not use all of them")]
                use $crate::config::model::Presence::{Default, Optional, Required};
                Self {
                    $($key: $crate::config::keys::read(table, $crate::config::keys::name(stringify!($key)), $presence,
                        &[$($doc),*], |item| ($kind).read(item)),)*
                }
            }

            fn model() -> Vec<$crate::config::model::Key> {
                #[allow(unused_imports, reason = "a group need not use all of them")]
                use $crate::config::model::Presence::{Default, Optional, Required};
                vec![$($crate::config::model::Key {
                    name: $crate::config::keys::name(stringify!($key)),
                    about: vec![$($doc),*],
                    presence: $presence,
                    shape: ($kind).shape(),
                },)*]
            }

            fn written(&self) -> Vec<$crate::config::keys::Written> {
                [$($crate::config::keys::written($crate::config::keys::name(stringify!($key)), &self.$key)),*]
                    .into_iter().flatten().collect()
            }
        }
    };
}
pub(crate) use keys;

/// The name of a key as it stands in the file: `r#use` is `use`.
#[must_use]
pub const fn name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Reads one key.
pub fn read<'a, T>(
    table: &mut super::reader::Reader<'a>,
    name: &'static str,
    presence: Presence,
    about: &[&str],
    read: impl FnOnce(&super::reader::Item<'a>) -> Option<T>,
) -> Key<T> {
    if presence == Presence::Required {
        let about = about.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        table.demand(name, about.trim_end_matches('.'));
    }
    Key(table.setting(name, read))
}

/// What a key looks like in the file, if it is set.
#[must_use]
pub fn written<T>(name: &'static str, key: &Key<T>) -> Option<Written> {
    let setting = key.0.as_ref()?;
    Some(Written { name, key: setting.key.clone(), value: setting.span.clone() })
}
