"""Which tests of runs are quick, and which are slow."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

QUICK: Mapping[str, str] = {
    "test_compare.py": """
        test_settings_stand_side_by_side_with_their_origins test_shared_folds_are_tested_by_the_corrected_test
        test_altered_folds_are_not_believed test_what_is_not_there_or_named_twice_is_told
    """,
    "test_diagnostics.py": """
        test_a_finding_is_on_record_in_the_log_and_told_by_show test_a_muted_finding_is_recorded_and_not_told
        test_what_cannot_be_muted_is_a_fault
        test_a_model_with_services_adds_nothing_to_the_page_when_it_is_checked
    """,
    "test_full_disk.py": "test_a_full_disk_at_the_start_is_one_message_and_creates_nothing",
    "test_kinds_of_data.py": """
        test_it_runs_and_every_row_is_predicted_once test_without_a_target_there_is_no_truth_in_the_table
        test_several_targets_have_a_column_each
    """,
    "test_rerun.py": """
        test_a_rerun_is_identical_with_any_runner test_changed_code_in_a_helper_is_shown_as_a_diff
        test_a_changed_data_file_is_named test_json_stands_alone_on_standard_output
    """,
    "test_rerun_search.py": """
        test_a_search_is_run_once_more_and_its_trials_and_choice_are_compared
        test_one_that_is_not_complete_is_gone_on_with_first
    """,
    "test_restart.py": """
        test_finished_folds_are_not_fitted_again test_what_is_not_intact_is_computed_again
        test_an_interrupted_run_goes_on test_changed_code_is_refused_unless_forced
    """,
    "test_restart_changes.py": """
        test_a_restart_has_the_params_of_the_project_itself test_folds_that_read_other_files_are_not_mixed
    """,
    "test_reuse.py": """
        test_an_unchanged_experiment_takes_everything_and_says_so test_settings_count
        test_changed_data_under_the_same_path_are_read_again test_what_was_altered_is_computed_anew
    """,
    "test_search.py": """
        test_a_dry_run_creates_nothing test_a_fault_of_the_section_is_told_before_anything_is_created
        test_a_file_without_a_search_is_told_what_to_add test_a_search_that_was_ended_goes_on_where_it_was
        test_a_trial_equals_scikit_learn_called_directly test_each_trial_is_an_experiment_with_a_record_of_its_own
        test_no_trial_has_a_row_of_the_hold_out_and_only_the_best_is_tested test_two_processes_give_what_one_gives
    """,
    "test_search_page.py": """
        test_a_search_has_a_page_with_its_best_and_all_trials test_show_tells_what_came_of_a_search
        test_the_page_has_the_test_of_the_best_once_it_was_tested
        test_trials_that_the_pruner_all_breaks_off_are_one_message
    """,
    "test_search_settings.py": """
        test_a_dry_run_shows_them test_a_slip_in_them_is_told_before_anything_is_created
        test_the_space_is_stronger_than_them
    """,
    "test_secrets.py": """
        test_a_secret_on_the_command_line_is_not_recorded_as_it_was_typed_either
        test_code_and_its_changes_are_kept_without_a_secret_in_them
    """,
    "test_signals.py": """
        test_a_signal_between_the_number_and_the_first_node_is_recorded
        test_a_killed_run_is_dead_at_once_and_the_next_one_takes_the_next_number
    """,
    "test_verdicts.py": "test_an_addition_that_was_altered_is_not_compared_and_named",
}
"""By file, the tests that are run at every change; the others of these files run long experiments and are slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow ones before any are chosen by their marks."""
    for item in items:
        quick = QUICK.get(item.path.name) if item.path.parent.name == "runs" else None
        if quick is not None and item.name.partition("[")[0] not in quick.split():
            item.add_marker(pytest.mark.slow)
