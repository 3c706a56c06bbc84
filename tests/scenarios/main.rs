//! Scenarios: the shipped `.sys` on the host, one file for each behaviour.
//!
//! `sh scripts/test.sh` builds what they need and runs them. What they are made of is `edu_tests`.

mod a_broken_device_is_told_from_a_slow_one;
mod a_canceled_request_is_completed_once;
mod a_device_that_does_not_start_leaves_nothing;
mod a_factorial_is_completed_by_interrupt;
mod a_file_that_is_no_driver_is_refused;
mod a_line_is_shared;
mod a_line_that_stays_asserted_is_reported;
mod a_malformed_request_has_its_own_status;
mod an_event_is_never_lost_between_two_waits;
mod an_inf_for_another_device_installs_nothing;
mod an_interrupt_costs_two_accesses_and_a_dpc_one;
mod everything_is_torn_down_with_requests_pending;
mod interrupts_are_handled_at_passive_level_if_the_inf_says_so;
mod interrupts_come_back_after_a_rebalance;
mod interrupts_pile_up_before_a_dpc;
mod model_and_qemu_see_the_same_accesses;
mod nothing_answers_without_a_host;
mod nothing_is_allocated_after_the_start;
mod qemu_is_missing_or_dies;
mod requests_survive_sleep_and_end_at_surprise_removal;
mod stale_causes_are_acknowledged_before_enabling;
mod stress_loses_nothing;
mod the_watchdog_ends_what_an_engine_never_does;
mod what_is_written_is_read_back_by_dma;
mod what_the_host_does_not_play_is_named_when_it_is_called;
