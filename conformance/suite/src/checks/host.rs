//! The clauses that bind the host: not a matter of adapters, so this project's own tests show that they are kept.

/// What shows that a clause of the host's is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A test of this workspace: its file, and the function's name.
    By(&'static str, &'static str),
    /// Nothing yet, and why.
    NotYet(&'static str),
}

use Shown::By;

/// Every clause of the host's with what shows it.
pub const HOST: &[(&str, Shown)] = &[
    (
        "DESC-18",
        By(
            "runtime/lending/tests/http.rs",
            "only_send_may_do_more_than_read_and_some_functions_reach_nothing",
        ),
    ),
    ("KEYS-14", By("runtime/cli/tests/call.rs", "a_call_is_begun_signed_elsewhere_resumed_and_sent")),
    (
        "KEYS-15",
        By("runtime/cli/src/flow.rs", "only_the_given_key_signs_and_a_digest_only_where_it_is_declared"),
    ),
    ("KEYS-16", By("runtime/lending/tests/lending.rs", "service_keys_sign_under_their_declared_names_only")),
    (
        "KEYS-17",
        By(
            "runtime/crypto/tests/vectors.rs",
            "the_transaction_of_eip_155_is_signed_as_published_and_recovers_its_sender",
        ),
    ),
    ("KEYS-18", By("runtime/crypto/tests/vectors.rs", "hashes_are_the_published_ones")),
    ("KEYS-19", By("runtime/crypto/tests/properties.rs", "random_bytes_neither_verify_nor_panic")),
    ("KEYS-20", By("runtime/crypto/tests/properties.rs", "secp256k1_agrees_with_libsecp256k1")),
    (
        "KEYS-21",
        By(
            "runtime/crypto/tests/properties.rs",
            "what_is_signed_verifies_and_the_same_input_gives_the_same_signature",
        ),
    ),
    ("ISO-1", By("runtime/host/tests/lent.rs", "one_application_never_reads_anothers_state")),
    ("ISO-2", By("runtime/host/tests/isolation.rs", "an_instance_serves_one_application_only")),
    (
        "ONCE-17",
        By(
            "runtime/gateway/tests/kill.rs",
            "every_accepted_write_is_in_the_ledger_once_however_often_the_node_is_killed",
        ),
    ),
    (
        "ONCE-18",
        By("runtime/gateway/tests/gateway.rs", "a_write_is_in_the_ledger_once_however_often_it_is_asked_for"),
    ),
    (
        "ONCE-19",
        By("runtime/journal/tests/journal.rs", "a_key_stays_bound_to_its_first_payload_salt_and_envelope"),
    ),
    ("ONCE-20", By("runtime/lending/tests/json_rpc.rs", "only_send_may_call_what_is_not_declared_as_a_read")),
    ("LIM-1", By("runtime/host/tests/limits.rs", "an_endless_loop_ends_at_the_compute_time")),
    ("LIM-2", By("runtime/host/tests/limits.rs", "a_trap_in_any_function_ends_only_that_call")),
    (
        "LIM-3",
        By(
            "runtime/host/tests/lent.rs",
            "flooding_the_state_ends_at_the_applications_limit_and_what_was_there_stays",
        ),
    ),
    (
        "LIM-4",
        By(
            "runtime/host/tests/compiling.rs",
            "a_child_that_wants_more_memory_than_is_allowed_ends_and_the_host_goes_on",
        ),
    ),
    (
        "LIM-5",
        By(
            "runtime/host/tests/loading.rs",
            "a_component_cut_short_or_with_changed_bytes_never_harms_the_host",
        ),
    ),
    ("LIM-6", By("runtime/host/tests/limits.rs", "a_huge_answer_ends_at_the_result_size")),
    ("NET-1", By("runtime/lending/tests/lending.rs", "what_does_not_fit_the_descriptor_is_refused_by_name")),
    (
        "NET-2",
        By("runtime/lending/tests/json_rpc.rs", "an_endpoint_is_spoken_to_with_its_own_transport_only"),
    ),
    (
        "NET-3",
        By(
            "runtime/lending/src/access.rs",
            "a_path_alone_is_a_read_by_get_and_with_a_method_by_that_method_only",
        ),
    ),
    ("NET-4", By("runtime/lending/src/http/path.rs", "a_path_that_could_leave_the_base_is_refused")),
    ("NET-5", By("runtime/lending/tests/http.rs", "a_redirect_is_an_answer_and_is_not_followed")),
    (
        "NET-6",
        By("runtime/lending/tests/http.rs", "the_operators_headers_win_and_the_hosts_are_not_an_adapters"),
    ),
    (
        "NET-7",
        By("runtime/lending/tests/http.rs", "a_list_is_carried_out_side_by_side_and_answered_in_order"),
    ),
    (
        "NET-8",
        By("runtime/lending/tests/json_rpc.rs", "an_error_object_is_the_nodes_whatever_the_http_status"),
    ),
    (
        "NET-9",
        By(
            "runtime/lending/tests/http.rs",
            "what_never_left_is_unreachable_and_what_got_no_whole_answer_is_interrupted",
        ),
    ),
    (
        "NET-10",
        By(
            "runtime/lending/tests/http.rs",
            "an_answer_beyond_the_cap_is_cut_off_whether_its_length_is_told_or_not",
        ),
    ),
    (
        "NET-11",
        By("runtime/lending/src/json_rpc.rs", "an_answer_with_another_id_or_without_meaning_is_nonsense"),
    ),
    ("NET-12", By("runtime/lending/src/json_rpc.rs", "parameters_that_are_no_array_or_object_are_refused")),
    ("NET-13", By("runtime/host/tests/limits.rs", "endless_host_calls_end_at_their_limit")),
    (
        "NET-14",
        By(
            "runtime/lending/tests/grpc.rs",
            "a_stream_ends_with_none_or_with_the_servers_status_again_and_again",
        ),
    ),
    ("NET-15", By("runtime/lending/tests/grpc.rs", "only_send_may_call_what_is_not_declared_as_a_read")),
    (
        "NET-16",
        By(
            "runtime/lending/tests/grpc.rs",
            "tls_takes_the_operators_authority_name_and_client_certificate_and_nobody_elses",
        ),
    ),
    (
        "NET-17",
        By(
            "runtime/gateway/tests/lent.rs",
            "a_native_plug_in_is_lent_what_others_are_and_shown_as_what_it_is",
        ),
    ),
    ("ENV-1", By("runtime/lending/tests/state.rs", "of_swaps_at_once_exactly_one_wins")),
    ("ENV-2", By("runtime/lending/tests/state.rs", "sled_keeps_values_and_their_count_across_a_restart")),
    ("ENV-3", By("runtime/host/tests/limits.rs", "a_value_of_state_that_is_too_large_ends_the_call")),
    (
        "ENV-4",
        By(
            "runtime/lending/tests/lending.rs",
            "a_clock_that_is_set_back_stands_still_for_the_rest_of_the_call_and_the_next_call_sees_it",
        ),
    ),
    ("ENV-5", By("runtime/host/tests/limits.rs", "asking_for_gigabytes_of_randomness_ends_the_call")),
    (
        "ENV-6",
        By("runtime/lending/src/environment.rs", "a_log_line_cannot_forge_another_line_or_steer_a_terminal"),
    ),
    (
        "REC-2",
        By(
            "runtime/lending/tests/recording.rs",
            "another_request_diverges_there_and_the_call_gets_nothing_more",
        ),
    ),
    (
        "REC-3",
        By(
            "runtime/lending/tests/recording.rs",
            "what_is_sensitive_is_sealed_and_opens_only_with_the_operators_key_in_its_place",
        ),
    ),
    ("REC-4", By("runtime/lending/tests/recording.rs", "a_recorded_run_is_the_same_again_without_a_network")),
    (
        "ABAN-6",
        By("runtime/gateway/tests/upload.rs", "a_continuation_is_taken_once_from_its_owner_and_unchanged"),
    ),
    (
        "ABAN-7",
        By(
            "runtime/host/tests/isolation.rs",
            "a_call_that_is_dropped_midway_frees_its_instance_and_the_next_one_is_fresh",
        ),
    ),
    (
        "UPG-4",
        By(
            "runtime/admission/tests/door.rs",
            "an_older_security_version_is_refused_after_a_restart_and_after_a_restored_backup",
        ),
    ),
    (
        "UPG-5",
        By(
            "runtime/gateway/tests/upload.rs",
            "a_new_version_goes_on_with_what_the_old_one_began_and_a_broken_one_changes_nothing",
        ),
    ),
    ("SEC-3", By("runtime/cli/tests/inspect.rs", "a_key_never_shows_not_even_a_broken_one")),
    (
        "SEC-4",
        By(
            "runtime/lending/tests/grpc.rs",
            "tls_settings_that_cannot_be_used_are_refused_without_showing_them",
        ),
    ),
    (
        "FORM-7",
        By(
            "runtime/host/tests/loading.rs",
            "cached_code_is_used_again_and_code_that_somebody_else_wrote_is_not",
        ),
    ),
    (
        "FORM-8",
        By(
            "runtime/host/tests/loading.rs",
            "an_interface_without_one_of_its_functions_is_refused_by_that_function",
        ),
    ),
];
