/* What the probe driver and its users agree on. */
#pragma once

/* {0b8d4a61-6c1d-4d5e-9a76-8f3f2f0c7e15} */
DEFINE_GUID(GUID_DEVINTERFACE_SAMPLE_PROBE, 0x0b8d4a61, 0x6c1d, 0x4d5e, 0x9a, 0x76, 0x8f, 0x3f, 0x2f,
    0x0c, 0x7e, 0x15);

/* Runs one probe. The input is its name, in ASCII. The output, an ULONG, is 0, or the line of its group's file
 * where something was not as documented, or MAXULONG if the probe needs something that is not there. */
#define IOCTL_PROBE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Runs all of them, and prints for the debugger: each group as it begins, each probe that does not hold, and
 * how many hold, as the last line. The output is a PROBE_COUNTS. With the input PROBE_AND_ONE_THAT_FAILS, an
 * ULONG, one more is run that does not hold, to see that it shows. */
#define IOCTL_PROBE_ALL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define PROBE_AND_ONE_THAT_FAILS 1
typedef struct {
    ULONG Held;
    ULONG Run;
    ULONG NotRun;
} PROBE_COUNTS;

/* If the device's hardware key has a value of this name that is not 0, a REG_DWORD, all probes are run when
 * the device has started, without an app. */
#define PROBE_AT_START L"ProbeAtStart"

/* What the driver below is to answer, for the probes that send: a read gives bytes that count from its
 * offset on, a write takes everything, and of control requests one answers with its input in reverse and
 * one with nothing, after a second. */
#define IOCTL_BELOW_REVERSE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_BELOW_SLOW CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* The groups, each a file of that name, and their lists. samples/tests/probe.rs reads the names here: one
 * to a line. */
#define GROUPS(GROUP)                    \
    GROUP(driver, PROBES_DRIVER)         \
    GROUP(objects, PROBES_OBJECTS)       \
    GROUP(locks, PROBES_LOCKS)           \
    GROUP(memory, PROBES_MEMORY)         \
    GROUP(registry, PROBES_REGISTRY)     \
    GROUP(devices, PROBES_DEVICES)       \
    GROUP(properties, PROBES_PROPERTIES) \
    GROUP(power, PROBES_POWER)           \
    GROUP(targets, PROBES_TARGETS)       \
    GROUP(queues, PROBES_QUEUES)         \
    GROUP(requests, PROBES_REQUESTS)     \
    GROUP(files, PROBES_FILES)

/* Each probe is a function of that name. */
#define PROBES_DRIVER(PROBE) \
    PROBE(the_loader_says_what_the_framework_has)

#define PROBES_OBJECTS(PROBE) \
    PROBE(wdm_objects_lead_back_to_those_of_the_framework)

#define PROBES_LOCKS(PROBE) \
    PROBE(a_callback_lock_is_taken_and_given_back)

#define PROBES_MEMORY(PROBE) \
    PROBE(a_look_aside_list_makes_memory_of_one_size)

#define PROBES_REGISTRY(PROBE) \
    PROBE(a_registry_key_is_removed_when_nothing_is_in_it)

#define PROBES_DEVICES(PROBE)                       \
    PROBE(a_driver_tells_pnp_of_its_device)         \
    PROBE(a_device_without_a_name_has_none_to_tell) \
    PROBE(a_control_device_is_deleted_with_the_last_device)

#define PROBES_PROPERTIES(PROBE)              \
    PROBE(properties_are_found_by_their_keys) \
    PROBE(assigned_properties_are_kept)

#define PROBES_POWER(PROBE) \
    PROBE(a_started_device_is_in_d0)

#define PROBES_TARGETS(PROBE)                                  \
    PROBE(what_is_below_answers_while_the_sender_waits)        \
    PROBE(memory_objects_are_sent_in_part)                     \
    PROBE(a_sent_request_comes_back_to_its_routine)            \
    PROBE(a_sent_request_is_canceled)                          \
    PROBE(a_sent_request_has_a_limit)                          \
    PROBE(a_stopped_target_keeps_what_is_sent)                 \
    PROBE(a_purged_target_takes_nothing)                       \
    PROBE(a_local_target_is_of_its_device)                     \
    PROBE(a_device_has_one_target_that_is_started)             \
    PROBE(a_target_is_stopped_purged_and_started)              \
    PROBE(an_action_that_is_none_changes_nothing)              \
    PROBE(what_waits_for_a_target_that_is_purged_was_not_sent) \
    PROBE(what_waits_for_a_target_is_canceled)                 \
    PROBE(a_purged_target_takes_nothing_to_be_waited_for)      \
    PROBE(a_stopped_target_lets_pass_what_ignores_its_state)   \
    PROBE(stopping_a_target_cancels_what_was_sent)             \
    PROBE(options_to_send_with_have_a_size)                    \
    PROBE(what_is_forgotten_is_not_waited_for)                 \
    PROBE(only_an_app_s_request_is_forgotten)                  \
    PROBE(a_memory_descriptor_describes_something)             \
    PROBE(a_part_of_memory_lies_within_it)

#define PROBES_QUEUES(PROBE)                                       \
    PROBE(a_queue_configuration_has_the_size_of_a_version)         \
    PROBE(only_a_default_queue_may_have_no_handle)                 \
    PROBE(a_default_queue_comes_before_the_start)                  \
    PROBE(a_queue_has_a_parent_below_its_device)                   \
    PROBE(a_queue_has_one_of_three_dispatch_types)                 \
    PROBE(a_queue_that_presents_has_a_callback)                    \
    PROBE(a_manual_queue_has_no_callback_for_requests)             \
    PROBE(only_a_parallel_queue_has_a_number_of_requests)          \
    PROBE(a_queue_in_its_device_s_scope_has_its_level)             \
    PROBE(a_new_queue_takes_and_hands_out)                         \
    PROBE(a_queue_knows_its_device)                                \
    PROBE(a_stopped_queue_takes_and_hands_out_nothing)             \
    PROBE(a_purged_queue_hands_out_and_takes_nothing)              \
    PROBE(a_drained_queue_hands_out_and_takes_nothing)             \
    PROBE(a_queue_stopped_and_purged_takes_and_hands_out_nothing)  \
    PROBE(purging_does_not_start_a_stopped_queue)                  \
    PROBE(stopping_a_purged_queue_has_it_take_again)               \
    PROBE(an_empty_queue_tells_at_once_that_it_has_stopped)        \
    PROBE(an_empty_queue_tells_at_once_that_it_is_purged)          \
    PROBE(an_empty_queue_changes_its_state_synchronously)          \
    PROBE(nothing_is_retrieved_from_an_empty_queue)                \
    PROBE(nothing_is_retrieved_from_a_parallel_queue)              \
    PROBE(nothing_is_retrieved_from_a_stopped_queue)               \
    PROBE(nothing_is_found_in_an_empty_queue)                      \
    PROBE(a_request_is_found_with_parameters_of_a_size)            \
    PROBE(an_empty_queue_is_not_ready)                             \
    PROBE(requests_are_dispatched_as_configured_before_the_start)  \
    PROBE(a_forwarded_request_waits_in_a_manual_queue)             \
    PROBE(a_request_is_of_the_queue_it_was_forwarded_to)           \
    PROBE(a_stopped_queue_takes_forwarded_requests)                \
    PROBE(a_purged_queue_takes_no_forwarded_request)               \
    PROBE(a_drained_queue_takes_no_forwarded_request)              \
    PROBE(a_requeued_request_waits_again)                          \
    PROBE(a_found_request_stays_in_its_queue)                      \
    PROBE(a_request_that_has_left_its_queue_is_not_found_there)    \
    PROBE(a_queue_is_ready_when_a_request_comes)                   \
    PROBE(a_queue_with_a_request_is_ready_at_once)                 \
    PROBE(a_started_queue_with_a_request_is_ready)                 \
    PROBE(a_sequential_queue_presents_what_is_forwarded_to_it)     \
    PROBE(a_parallel_queue_presents_what_is_forwarded_to_it)       \
    PROBE(a_queue_presents_when_it_is_started)                     \
    PROBE(draining_does_not_present_what_waits_in_a_stopped_queue) \
    PROBE(a_queue_has_stopped_when_the_driver_has_none_of_it)      \
    PROBE(a_queue_has_stopped_although_requests_wait)              \
    PROBE(a_queue_is_drained_when_its_last_request_has_gone)       \
    PROBE(stopping_and_draining_tell_apart)                        \
    PROBE(purging_gives_the_driver_what_it_has_seen_before)        \
    PROBE(what_purging_has_canceled_can_wait_elsewhere)            \
    PROBE(purging_leaves_the_driver_what_it_has)                   \
    PROBE(a_request_of_a_purged_queue_is_not_marked_cancelable)    \
    PROBE(a_request_of_a_purged_queue_is_requeued_as_canceled)     \
    PROBE(a_request_is_marked_and_unmarked)

#define PROBES_REQUESTS(PROBE)                                     \
    PROBE(a_request_says_what_it_asks_for)                         \
    PROBE(a_request_says_who_has_sent_it)                          \
    PROBE(a_request_s_information_is_what_was_set)                 \
    PROBE(a_request_that_nobody_has_canceled_is_not)               \
    PROBE(reusing_an_app_s_request_sets_its_status_only)           \
    PROBE(an_app_s_request_keeps_its_irp)                          \
    PROBE(a_buffer_that_is_too_short_is_not_given)                 \
    PROBE(a_buffer_has_the_app_s_length)                           \
    PROBE(a_buffer_is_that_of_its_memory_object)                   \
    PROBE(buffered_input_and_output_are_in_one_buffer)             \
    PROBE(a_buffer_has_an_mdl)                                     \
    PROBE(a_driver_makes_a_request)                                \
    PROBE(a_request_of_the_driver_s_own_is_of_no_queue)            \
    PROBE(a_request_made_without_a_target_is_given_one)            \
    PROBE(formatting_gives_a_request_what_it_needs_for_its_target) \
    PROBE(a_reused_request_has_the_status_it_is_given)             \
    PROBE(reusing_takes_parameters_of_a_size)                      \
    PROBE(reusing_takes_flags_that_there_are)                      \
    PROBE(a_request_without_format_has_no_completion_parameters)   \
    PROBE(a_timer_is_allocated_once_or_twice)                      \
    PROBE(a_request_that_was_not_sent_is_not_canceled)             \
    PROBE(a_request_that_was_canceled_is_sent_when_it_was_reused)

#define PROBES_FILES(PROBE)                                \
    PROBE(a_request_comes_through_a_file)                  \
    PROBE(a_file_is_of_its_device)                         \
    PROBE(a_file_is_found_by_what_stands_for_it)           \
    PROBE(a_file_of_the_device_itself_has_no_name)         \
    PROBE(opening_a_file_was_a_request_of_its_own)         \
    PROBE(a_file_exists_while_it_is_opened)                \
    PROBE(the_request_that_opens_a_file_can_be_cancelable) \
    PROBE(a_request_is_retrieved_by_its_file)
