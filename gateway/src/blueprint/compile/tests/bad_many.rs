//! What is said about configurations of several files, and about variables: one test for each folder under
//! `tests/fixtures/config/bad_many`.

use super::{Folder, check_snapshot};
use crate::blueprint::compile::compile_files;

/// One test for each folder.
macro_rules! findings_of {
    ($($test:ident: $folder:literal;)*) => {
        /// All folders.
        pub(super) const FOLDERS: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $test() {
                let folder = Folder::of($folder);
                let compiled = compile_files("gateway.toml", &folder.main(), &folder, &folder.around());
                check_snapshot(concat!("many_", $folder), &compiled);
            }
        )*
    };
}

findings_of! {
    an_environment_stands_in_one_file: "environment_in_two_files";
    the_gateway_stands_in_the_main_file: "gateway_in_an_include";
    an_included_file_includes_none: "include_in_an_include";
    a_file_does_not_include_itself: "include_itself";
    an_included_file_that_is_missing_has_a_nearest_one: "include_missing";
    a_folder_of_included_files_is_there: "include_no_folder";
    a_pattern_finds_a_file: "include_no_match";
    a_file_is_included_once: "include_twice";
    a_variable_without_a_value_is_a_warning: "missing_variable";
    a_variable_of_one_environment_names_it: "missing_variable_of_an_environment";
    a_mistake_of_an_environment_in_an_included_file_names_both: "mistake_of_an_environment_in_an_include";
    what_stands_in_two_files_shows_both: "repeated_in_two_files";
    a_broken_included_file_is_named: "syntax_in_an_include";
    routes_of_two_files_tie: "tie_in_two_files";
    a_misspelt_section_of_an_included_file_has_a_nearest_one: "unknown_section_in_an_include";
}
