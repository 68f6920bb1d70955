//! What is said about files with mistakes: one test for each file under `tests/fixtures/config/bad`, named after it, and
//! a snapshot of what a user reads.

use super::{Folder, bad_files, check_snapshot, names_in};
use crate::{
    blueprint::compile::{compile, compile_files},
    config::diagnostics::{Code, Diagnostic},
};

/// One test for each file of its own.
macro_rules! findings_of {
    ($($test:ident: $file:literal;)*) => {
        /// All files of their own.
        pub(super) const FILES: &[&str] = &[$($file),*];
        $(
            #[test]
            fn $test() {
                let source = std::fs::read_to_string(bad_files(concat!("bad/", $file, ".toml"))).unwrap();
                check_snapshot($file, &compile(concat!($file, ".toml"), &source));
            }
        )*
    };
}

findings_of! {
    abuse_is_counted_within_bounds: "abuse";
    a_condition_asks_who_is_suspicious_only_where_somebody_watches: "abuse_nobody";
    the_address_of_a_client_stands_in_one_header: "address";
    the_paths_of_operators_have_an_issuer_and_roles: "admin";
    an_algorithm_is_one_that_is_known: "algorithm";
    assets_are_a_binding_of_the_worker: "assets";
    an_audit_row_names_an_action_and_what_the_route_has: "audit";
    several_issuers_are_told_apart: "auth_several";
    a_mistake_outside_of_environments_is_told_once: "base_with_a_mistake";
    a_service_is_a_binding_of_the_worker: "binding";
    a_public_route_has_no_claims: "claims_on_public";
    a_condition_compares_something_of_the_request: "condition";
    a_condition_reads_what_its_route_has: "condition_of_route";
    a_condition_compares_what_can_be_equal: "condition_types";
    a_control_character_never_reaches_the_terminal: "control_characters";
    a_cors_section_names_methods_and_headers_that_exist: "cors";
    credentials_are_true_or_false: "cors_credentials";
    the_case_of_a_header_makes_no_difference: "cors_expose_twice";
    a_star_and_what_browsers_keep_are_no_headers_of_pages: "cors_header_star";
    a_method_of_cors_is_one_that_exists: "cors_method";
    a_user_has_a_password: "credentials_half";
    a_key_of_signatures_is_a_secret_with_a_name: "credentials_hmac";
    credentials_in_clear_are_refused_and_not_repeated: "credentials_in_clear";
    the_value_of_a_misspelt_credential_is_not_repeated: "credentials_misspelt";
    credentials_are_of_one_kind: "credentials_mixed";
    a_deprecation_has_dates_and_links: "deprecation";
    a_route_that_passes_everything_through_is_not_deprecated: "deprecation_pass_through";
    a_sunset_is_no_earlier_than_the_deprecation: "deprecation_sunset";
    a_duration_is_a_text: "duration_as_number";
    seconds_are_whole: "duration_of_seconds";
    a_duration_is_not_too_long: "duration_too_long";
    a_duration_is_not_too_short: "duration_too_short";
    a_unit_of_a_duration_is_one_that_exists: "duration_unit";
    a_duration_is_a_whole_number: "duration_with_fraction";
    a_duration_has_a_unit: "duration_without_unit";
    an_empty_file_is_told_what_is_missing: "empty_file";
    a_misspelt_env_has_a_nearest_one: "environment_misspelt";
    an_environment_has_a_plain_name: "environment_name";
    an_environment_is_a_table: "environment_type";
    a_style_of_forwarding_is_one_that_exists: "forwarded";
    a_route_knows_how_old_its_knowledge_may_be: "freshness";
    a_guard_is_told_hosts_methods_and_sizes: "guard";
    header_changes_are_remove_and_set: "header_changes";
    an_empty_header_is_removed_instead: "header_empty";
    a_header_has_a_name_that_http_allows: "header_name";
    headers_of_the_connection_are_left_to_it: "header_owned";
    a_header_is_set_once: "header_twice";
    a_header_has_a_value_that_http_allows: "header_value";
    health_asks_what_is_there_and_a_switch_is_on_or_off: "health";
    what_is_required_can_be_asked: "health_required";
    a_list_of_hosts_names_one: "host_empty_list";
    a_star_stands_before_a_host: "host_star";
    a_host_is_in_lower_case: "host_upper_case";
    a_host_is_no_url: "host_with_scheme";
    an_included_file_stands_below_the_main_one: "include_outside";
    include_is_a_list: "include_type";
    an_issuer_has_a_name_to_compare_with: "issuer_empty";
    a_key_of_an_issuer_can_check_its_signatures: "issuer_keys";
    keys_of_an_issuer_have_names_of_their_own: "issuer_keys_together";
    an_issuer_has_what_its_algorithm_needs: "issuer_material";
    a_private_key_is_refused_and_not_repeated: "issuer_private_key";
    what_an_issuer_asks_of_tokens_can_be_met: "issuer_rules";
    a_log_has_a_level_a_share_and_parameters: "log";
    a_route_that_is_open_says_nothing_of_maintenance: "maintenance_off";
    a_method_is_in_upper_case: "method_lower_case";
    a_method_is_one_that_exists: "method_misspelt";
    a_star_is_no_method: "method_star";
    a_gateway_serves_no_trace: "method_trace";
    a_method_is_named_once: "method_twice";
    methods_are_separated_by_commas_alone: "methods_with_blank";
    metrics_are_for_somebody_and_a_path_is_free: "metrics";
    paths_of_metrics_belong_to_no_route: "metrics_path";
    everything_that_is_missing_is_named: "missing_keys";
    a_misspelt_action_is_told_once: "misspelt_action";
    a_misspelt_auth_is_told_once: "misspelt_auth";
    the_gateway_has_a_plain_name: "name_of_gateway";
    no_issuer_is_named_none: "name_of_issuer";
    a_section_has_a_plain_name: "name_of_section";
    a_route_does_something: "no_action";
    a_route_that_does_not_say_who_may_ask_is_an_error: "no_auth";
    a_gateway_without_routes_is_warned: "no_routes";
    a_name_where_there_are_none_says_so: "no_upstreams";
    an_unknown_word_is_an_error: "observe";
    an_origin_leaves_out_the_port_of_its_scheme: "origin_default_port";
    null_is_no_origin: "origin_null";
    a_star_is_no_origin: "origin_star";
    a_star_with_credentials_is_no_origin_either: "origin_star_with_credentials";
    an_origin_is_in_lower_case: "origin_upper_case";
    a_star_does_not_stand_for_a_whole_domain: "origin_wide_star";
    an_origin_has_no_path: "origin_with_slash";
    an_origin_has_a_scheme: "origin_without_scheme";
    requests_come_from_networks_and_countries: "origins";
    cors_names_an_origin: "origins_none";
    an_origin_is_named_once: "origins_twice";
    an_environment_does_not_take_an_action_back: "overlay_of_two_actions";
    an_overlay_that_changes_nothing_is_a_warning: "overlay_that_changes_nothing";
    a_mistake_of_one_environment_names_it: "overlay_with_a_mistake";
    an_empty_table_of_an_environment_replaces_the_whole: "overlay_with_an_empty_table";
    an_unknown_key_of_an_environment_has_a_nearest_one: "overlay_with_an_unknown_key";
    a_mistake_of_two_environments_names_both: "overlays_with_one_mistake";
    a_parameter_is_a_whole_segment: "parameter_in_segment";
    a_parameter_has_a_plain_name: "parameter_name";
    a_parameter_is_named_once: "parameter_twice";
    a_type_of_a_parameter_is_one_that_exists: "parameter_type";
    a_route_that_passes_everything_through_changes_nothing: "pass_through";
    nothing_passes_through_a_route_without_an_upstream: "pass_through_nowhere";
    a_path_has_no_dot_segments: "path_dots";
    a_path_has_no_empty_segment: "path_empty_segment";
    a_path_has_no_query: "path_query";
    a_path_begins_with_a_slash: "path_relative";
    a_plan_is_made_of_limits: "plans";
    those_who_have_no_plan_have_one: "plans_missing";
    a_policy_is_not_made_of_itself: "policy_circle";
    what_is_put_before_a_path_is_a_path: "prefix";
    headers_of_the_caller_are_headers: "principal_headers";
    a_limit_is_a_rate_that_requests_can_meet: "rate_limit";
    a_limit_says_one_thing_and_not_two: "rate_limit_table";
    no_request_chooses_the_host_of_a_redirect: "redirect_host";
    a_redirect_reads_a_parameter_of_its_route: "redirect_parameter";
    the_status_of_a_redirect_is_one_of_five_numbers: "redirect_status";
    a_policy_is_used_once: "repeated_policies";
    a_table_that_stands_twice_is_told_once: "repeated_table";
    a_query_is_changed_by_names_and_templates: "request_query";
    paths_of_the_gateway_belong_to_no_route: "reserved_paths";
    an_answer_is_a_text_or_a_table: "respond_type";
    a_rest_is_the_last_segment: "rest_in_the_middle";
    a_path_is_rewritten_to_a_path: "rewrite";
    a_role_does_not_include_itself: "role_circle";
    a_role_is_one_word: "role_with_blank";
    a_public_route_asks_for_no_roles: "roles_on_public";
    routes_of_one_key_are_tables: "route_variants_of_text";
    routes_of_one_key_differ_by_host_or_version: "route_variants_tie";
    a_blank_stands_between_methods_and_path: "route_without_blank";
    a_route_has_a_method: "route_without_method";
    one_text_names_one_scope: "scope_with_blank";
    scopes_of_a_policy_do_not_fit_a_public_route: "scopes_of_policy";
    a_public_route_asks_for_no_scopes: "scopes_on_public";
    a_scope_is_named_once: "scopes_twice";
    a_broken_secret_is_not_repeated: "secret_broken";
    a_secret_in_clear_is_refused_and_not_repeated: "secret_in_clear";
    a_secret_over_several_lines_is_not_repeated: "secret_over_lines";
    a_misspelt_secret_is_not_repeated: "secret_with_a_typo";
    a_secret_has_no_default: "secret_with_default";
    a_default_that_is_taken_out_is_one: "security_header_name";
    a_security_header_says_something: "security_header_value";
    a_preset_of_security_headers_is_a_known_one: "security_headers_preset";
    security_headers_are_a_preset_or_a_table: "security_headers_word";
    a_policy_behind_another_that_says_the_same_is_a_warning: "shadowed_by_policy";
    a_policy_that_changes_nothing_is_a_warning: "shadowed_policy";
    a_body_that_is_signed_is_no_large_one: "signed_body";
    a_size_is_a_text_with_a_unit: "size_as_number";
    a_size_is_not_too_large: "size_too_large";
    a_unit_of_a_size_is_spelt_exactly: "size_unit";
    the_status_of_an_answer_is_one_that_http_has: "status";
    a_status_is_mapped_to_one_whose_answers_have_a_body: "status_map";
    every_broken_line_is_reported_once: "syntax";
    what_is_not_closed_hides_no_earlier_error: "syntax_unclosed";
    a_tag_is_a_plain_name: "tags";
    an_upstream_has_a_target: "targets_none";
    an_upstream_has_exactly_one_target: "targets_two";
    a_brace_of_a_template_is_closed: "template_brace";
    a_closing_brace_closes_something: "template_closing_brace";
    a_template_reads_a_parameter_of_its_route: "template_parameter";
    a_template_holds_what_there_is: "template_slot";
    a_path_without_parameters_has_none_to_read: "template_without_parameters";
    two_routes_of_one_shape_name_both_lines: "ties";
    routes_of_one_host_tie_there: "ties_of_hosts";
    any_takes_the_requests_of_every_method: "ties_of_methods";
    each_timeout_is_a_duration: "timeout_table";
    a_path_fits_few_routes_on_its_way: "too_many_ways";
    the_words_of_traces_are_known_ones: "trace";
    a_key_about_traces_needs_a_trace: "trace_idle";
    a_gateway_that_takes_part_in_no_trace_says_nothing_of_them: "trace_idle_gateway";
    a_route_does_one_thing: "two_actions";
    an_unknown_key_of_a_table_says_which_table: "unknown_deep_key";
    an_issuer_that_a_route_names_exists: "unknown_issuer";
    an_unknown_key_has_a_nearest_one: "unknown_key";
    a_policy_that_a_route_uses_exists: "unknown_policy";
    a_role_that_is_named_exists: "unknown_role";
    a_misspelt_section_is_told_once: "unknown_section";
    an_upstream_that_a_route_names_exists: "unknown_upstream";
    of_many_names_some_are_told: "unknown_upstream_of_many";
    a_route_that_gets_no_request_is_an_error: "unreachable";
    what_nobody_uses_is_a_warning: "unused";
    an_issuer_that_nobody_names_is_a_warning: "unused_issuer";
    a_policy_that_nobody_uses_is_a_warning: "unused_policy";
    an_upstream_that_nobody_uses_is_a_warning: "unused_upstream";
    the_path_of_an_upstream_has_one_meaning: "url_dots";
    the_address_of_an_upstream_has_no_fragment: "url_fragment";
    a_port_is_one_that_exists: "url_port";
    the_address_of_an_upstream_has_no_query: "url_query";
    an_upstream_is_asked_over_http_or_https: "url_scheme";
    a_password_in_an_address_is_refused_and_not_repeated: "url_user";
    the_address_of_an_upstream_has_a_host: "url_without_host";
    the_address_of_an_upstream_has_a_scheme: "url_without_scheme";
    a_default_is_plain_text: "variable_in_a_default";
    a_variable_is_named_in_upper_case: "variable_in_lower_case";
    a_variable_has_a_closing_brace: "variable_not_closed";
    a_version_has_a_plain_name: "version";
    a_section_of_versions_says_what_there_is: "versions";
    a_version_can_be_named_somewhere: "versions_nowhere";
    one_version_is_the_default: "versions_two_defaults";
    what_everybody_asks_for_is_answered_in_its_form: "well_known";
    one_path_has_one_answer: "well_known_twice";
    a_value_of_the_wrong_type_says_what_it_must_be: "wrong_types";
}

fn found_in_files() -> Vec<Diagnostic> {
    let found = |file: &&str| {
        let source = std::fs::read_to_string(bad_files(&format!("bad/{file}.toml"))).unwrap();
        compile(file, &source).diagnostics
    };
    FILES.iter().flat_map(found).collect()
}

#[test]
fn every_bad_file_has_a_test() {
    let tested: Vec<String> = FILES.iter().map(|file| format!("{file}.toml")).collect();
    assert_eq!(names_in("bad"), tested);
    assert_eq!(names_in("bad_many"), super::bad_many::FOLDERS);
    assert!(FILES.len() >= 60);
}

#[test]
fn every_rule_is_broken_by_some_bad_file() {
    let found_in_folders = super::bad_many::FOLDERS.iter().flat_map(|name| {
        let folder = Folder::of(name);
        compile_files("gateway.toml", &folder.main(), &folder, &folder.around()).diagnostics
    });
    let found: Vec<Diagnostic> = found_in_files().into_iter().chain(found_in_folders).collect();
    let mut unbroken: Vec<Code> = Code::ALL.to_vec();
    unbroken.retain(|code| !found.iter().any(|diagnostic| diagnostic.code == *code));
    assert_eq!(unbroken, WITHOUT_FILE);
}

/// More than 65,535 of something has a test of its own: the file would be large. The other one is a value that no
/// section takes yet.
pub(super) const WITHOUT_FILE: [Code; 2] = [Code::TooMany, Code::BadMediaType];

#[test]
fn no_bad_file_is_told_a_secret() {
    for file in FILES {
        let source = std::fs::read_to_string(bad_files(&format!("bad/{file}.toml"))).unwrap();
        let text = super::text(&compile(file, &source));
        assert!(!text.contains("hunter2") && !text.contains("correct horse"), "{file}\n{text}");
    }
}
