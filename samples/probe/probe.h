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
    GROUP(strings, PROBES_STRINGS)       \
    GROUP(registry, PROBES_REGISTRY)     \
    GROUP(timers, PROBES_TIMERS)         \
    GROUP(deferred, PROBES_DEFERRED)     \
    GROUP(devices, PROBES_DEVICES)       \
    GROUP(properties, PROBES_PROPERTIES) \
    GROUP(power, PROBES_POWER)           \
    GROUP(targets, PROBES_TARGETS)

/* Each probe is a function of that name. */
#define PROBES_DRIVER(PROBE)                      \
    PROBE(the_loader_says_what_the_framework_has) \
    PROBE(a_driver_is_created_once)               \
    PROBE(a_driver_config_has_a_known_size)       \
    PROBE(the_flags_of_a_driver_are_known)        \
    PROBE(a_registry_path_has_no_half_characters) \
    PROBE(the_registry_path_ends_with_a_zero)     \
    PROBE(the_framework_names_its_version)        \
    PROBE(older_versions_are_available)           \
    PROBE(versions_to_come_are_not_available)     \
    PROBE(no_version_is_available_by_parameters_of_an_unknown_size)

#define PROBES_OBJECTS(PROBE)                                  \
    PROBE(wdm_objects_lead_back_to_those_of_the_framework)     \
    PROBE(an_object_has_no_answer_to_an_unknown_query)         \
    PROBE(attributes_have_the_size_of_their_version)           \
    PROBE(a_context_type_has_the_size_of_its_version)          \
    PROBE(a_context_with_a_size_has_a_name)                    \
    PROBE(a_context_size_needs_a_type)                         \
    PROBE(a_context_is_not_smaller_than_its_type)              \
    PROBE(a_context_may_be_larger_than_its_type)               \
    PROBE(an_execution_level_is_one_of_three)                  \
    PROBE(a_synchronization_scope_is_one_of_four)              \
    PROBE(a_general_object_has_no_synchronization_scope)       \
    PROBE(no_synchronization_scope_is_allowed_everywhere)      \
    PROBE(a_general_object_may_have_an_execution_level)        \
    PROBE(a_context_is_zero_at_first)                          \
    PROBE(a_context_leads_back_to_its_object)                  \
    PROBE(there_is_no_context_of_another_type)                 \
    PROBE(a_context_is_added_later)                            \
    PROBE(a_context_of_a_type_is_added_once)                   \
    PROBE(a_context_without_a_type_is_not_added)               \
    PROBE(an_added_context_names_no_parent)                    \
    PROBE(an_added_context_has_callbacks_of_its_own)           \
    PROBE(children_are_cleaned_up_in_the_order_they_were_made) \
    PROBE(a_parent_is_cleaned_up_after_its_children)           \
    PROBE(all_are_cleaned_up_before_one_is_destroyed)          \
    PROBE(a_reference_keeps_an_object_from_its_destruction)    \
    PROBE(a_deleted_object_is_no_parent)                       \
    PROBE(a_creation_that_fails_calls_no_callback)             \
    PROBE(a_deleted_object_takes_no_context)

#define PROBES_LOCKS(PROBE)                                      \
    PROBE(a_callback_lock_is_taken_and_given_back)               \
    PROBE(the_lock_of_a_device_comes_before_those_of_its_queues) \
    PROBE(the_lock_of_a_passive_level_device_leaves_the_irql)    \
    PROBE(a_spin_lock_is_held_at_dispatch_level)                 \
    PROBE(a_spin_lock_goes_back_to_the_irql_it_came_from)        \
    PROBE(a_spin_lock_has_neither_level_nor_scope)               \
    PROBE(a_wait_lock_is_held_at_passive_level)                  \
    PROBE(a_free_wait_lock_is_taken_without_waiting)             \
    PROBE(a_wait_for_a_held_wait_lock_has_a_limit)               \
    PROBE(a_wait_lock_has_neither_level_nor_scope)

#define PROBES_MEMORY(PROBE)                                       \
    PROBE(a_look_aside_list_makes_memory_of_one_size)              \
    PROBE(memory_outlives_its_look_aside_list)                     \
    PROBE(a_look_aside_list_may_be_pageable)                       \
    PROBE(a_look_aside_list_makes_memory_of_some_size)             \
    PROBE(a_look_aside_list_has_no_execution_level)                \
    PROBE(a_look_aside_list_looks_at_the_attributes_of_its_memory) \
    PROBE(memory_of_a_look_aside_list_has_its_context)             \
    PROBE(memory_has_the_size_it_was_made_with)                    \
    PROBE(memory_of_a_page_begins_at_a_page)                       \
    PROBE(memory_may_be_pageable)                                  \
    PROBE(memory_has_some_size)                                    \
    PROBE(memory_has_neither_level_nor_scope)                      \
    PROBE(memory_that_is_refused_is_null)                          \
    PROBE(bytes_are_copied_into_memory_and_out)                    \
    PROBE(memory_takes_no_more_than_it_has)                        \
    PROBE(memory_gives_no_more_than_it_has)                        \
    PROBE(some_bytes_are_copied)                                   \
    PROBE(preallocated_memory_is_the_drivers_own)                  \
    PROBE(preallocated_memory_has_some_size)                       \
    PROBE(preallocated_memory_takes_another_buffer)                \
    PROBE(preallocated_memory_takes_no_buffer_without_a_size)      \
    PROBE(memory_is_there_while_it_is_cleaned_up)                  \
    PROBE(referenced_memory_keeps_its_buffer)

#define PROBES_STRINGS(PROBE)                       \
    PROBE(a_string_without_a_text_has_no_buffer)    \
    PROBE(a_string_is_a_copy_that_ends_with_a_zero) \
    PROBE(a_string_of_no_characters_has_a_buffer)   \
    PROBE(a_string_has_no_half_characters)          \
    PROBE(a_string_is_not_longer_than_its_buffer)   \
    PROBE(a_string_with_room_has_a_buffer)          \
    PROBE(a_string_has_no_execution_level)          \
    PROBE(a_new_collection_is_empty)                \
    PROBE(a_collection_has_no_execution_level)      \
    PROBE(a_collection_keeps_its_items_in_order)    \
    PROBE(the_first_of_equal_items_is_removed)      \
    PROBE(an_item_is_removed_by_its_place)          \
    PROBE(a_collection_keeps_what_is_deleted)       \
    PROBE(a_deleted_collection_keeps_nothing)

#define PROBES_REGISTRY(PROBE)                               \
    PROBE(a_registry_key_is_removed_when_nothing_is_in_it)   \
    PROBE(a_key_is_created_once_and_then_opened)             \
    PROBE(a_key_that_is_missing_is_null)                     \
    PROBE(a_key_has_no_execution_level)                      \
    PROBE(names_in_the_registry_have_no_half_characters)     \
    PROBE(a_number_comes_back)                               \
    PROBE(a_value_that_is_missing_is_not_found)              \
    PROBE(a_removed_value_is_missing)                        \
    PROBE(a_text_is_no_number)                               \
    PROBE(the_length_of_a_value_is_asked_without_room)       \
    PROBE(a_value_does_not_fit_in_less_room)                 \
    PROBE(a_value_comes_back_as_it_was_assigned)             \
    PROBE(memory_is_made_of_a_value)                         \
    PROBE(no_memory_is_made_of_an_empty_value)               \
    PROBE(memory_is_assigned_whole_and_in_part)              \
    PROBE(a_text_comes_back_without_its_zero)                \
    PROBE(the_length_of_a_text_is_asked_without_room)        \
    PROBE(a_text_needs_room_for_its_zero)                    \
    PROBE(a_text_is_not_put_into_a_string_without_room)      \
    PROBE(a_number_is_no_text)                               \
    PROBE(a_string_object_takes_a_text_and_gives_it)         \
    PROBE(a_string_object_keeps_its_room_for_a_shorter_text) \
    PROBE(a_text_to_be_expanded_is_a_text)                   \
    PROBE(a_list_of_texts_is_added_to_a_collection)          \
    PROBE(a_text_is_no_list_of_texts)                        \
    PROBE(a_list_of_texts_is_made_of_strings_only)           \
    PROBE(an_empty_list_of_texts_has_two_zeros)              \
    PROBE(the_parameters_of_the_driver_are_created_for_who_writes)

#define PROBES_TIMERS(PROBE)                                   \
    PROBE(a_timer_needs_a_parent)                              \
    PROBE(the_parent_of_a_timer_is_missed_before_its_config)   \
    PROBE(the_config_of_a_timer_has_a_known_size)              \
    PROBE(the_period_of_a_timer_has_31_bits)                   \
    PROBE(a_timer_is_tolerant_or_of_high_resolution)           \
    PROBE(a_timer_has_no_synchronization_scope)                \
    PROBE(a_passive_timer_has_no_period)                       \
    PROBE(a_timer_is_below_a_device)                           \
    PROBE(a_timer_needs_no_function)                           \
    PROBE(a_timer_leads_to_its_parent)                         \
    PROBE(a_timer_that_is_not_set_is_not_stopped)              \
    PROBE(starting_and_stopping_say_whether_the_timer_was_set) \
    PROBE(a_timer_runs_at_dispatch_level)                      \
    PROBE(a_passive_timer_runs_at_passive_level)               \
    PROBE(a_periodic_timer_runs_again)                         \
    PROBE(a_stopped_timer_does_not_run)                        \
    PROBE(a_deleted_timer_does_not_run)

#define PROBES_DEFERRED(PROBE)                              \
    PROBE(a_dpc_needs_a_parent)                             \
    PROBE(the_config_of_a_dpc_has_a_known_size)             \
    PROBE(a_dpc_has_neither_level_nor_scope)                \
    PROBE(a_dpc_is_below_a_device)                          \
    PROBE(a_dpc_needs_no_function)                          \
    PROBE(a_dpc_leads_to_its_parent)                        \
    PROBE(a_dpc_runs_at_dispatch_level)                     \
    PROBE(a_dpc_is_queued_once_and_taken_back_once)         \
    PROBE(a_work_item_needs_a_parent)                       \
    PROBE(the_config_of_a_work_item_has_a_known_size)       \
    PROBE(a_work_item_needs_a_function)                     \
    PROBE(a_work_item_has_neither_level_nor_scope)          \
    PROBE(a_work_item_is_below_a_device)                    \
    PROBE(a_work_item_leads_to_its_parent)                  \
    PROBE(a_flushed_work_item_has_run_at_passive_level)     \
    PROBE(a_work_item_that_is_not_queued_is_not_waited_for) \
    PROBE(a_work_item_queues_itself_while_it_runs)          \
    PROBE(a_work_item_has_run_before_it_is_deleted)

#define PROBES_DEVICES(PROBE)                       \
    PROBE(a_driver_tells_pnp_of_its_device)         \
    PROBE(a_device_without_a_name_has_none_to_tell) \
    PROBE(a_control_device_is_deleted_with_the_last_device)

#define PROBES_PROPERTIES(PROBE)              \
    PROBE(properties_are_found_by_their_keys) \
    PROBE(assigned_properties_are_kept)

#define PROBES_POWER(PROBE) \
    PROBE(a_started_device_is_in_d0)

#define PROBES_TARGETS(PROBE)                           \
    PROBE(what_is_below_answers_while_the_sender_waits) \
    PROBE(memory_objects_are_sent_in_part)              \
    PROBE(a_sent_request_comes_back_to_its_routine)     \
    PROBE(a_sent_request_is_canceled)                   \
    PROBE(a_sent_request_has_a_limit)                   \
    PROBE(a_stopped_target_keeps_what_is_sent)          \
    PROBE(a_purged_target_takes_nothing)                \
    PROBE(a_local_target_is_of_its_device)
