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

/* The groups, each a file of that name, and their lists. host/samples/tests/probe.rs reads the names here: one
 * to a line. */
#define GROUPS(GROUP)                      \
    GROUP(driver, PROBES_DRIVER)           \
    GROUP(objects, PROBES_OBJECTS)         \
    GROUP(locks, PROBES_LOCKS)             \
    GROUP(memory, PROBES_MEMORY)           \
    GROUP(strings, PROBES_STRINGS)         \
    GROUP(registry, PROBES_REGISTRY)       \
    GROUP(timers, PROBES_TIMERS)           \
    GROUP(deferred, PROBES_DEFERRED)       \
    GROUP(devices, PROBES_DEVICES)         \
    GROUP(properties, PROBES_PROPERTIES)   \
    GROUP(power, PROBES_POWER)             \
    GROUP(interrupts, PROBES_INTERRUPTS)   \
    GROUP(targets, PROBES_TARGETS)         \
    GROUP(remote, PROBES_REMOTE)           \
    GROUP(resources, PROBES_RESOURCES)     \
    GROUP(queues, PROBES_QUEUES)           \
    GROUP(requests, PROBES_REQUESTS)       \
    GROUP(files, PROBES_FILES)             \
    GROUP(device_init, PROBES_DEVICE_INIT) \
    GROUP(control, PROBES_CONTROL)         \
    GROUP(interfaces, PROBES_INTERFACES)   \
    GROUP(dma, PROBES_DMA)                 \
    GROUP(kernel, PROBES_KERNEL)

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
    PROBE(what_becomes_a_control_device_has_no_key)          \
    PROBE(a_device_key_is_of_a_type_that_there_is)           \
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

#define PROBES_DEVICES(PROBE)                         \
    PROBE(a_driver_tells_pnp_of_its_device)           \
    PROBE(a_device_without_a_name_has_none_to_tell)   \
    PROBE(characteristics_of_a_device_keep_it_secure) \
    PROBE(an_alignment_is_kept)                       \
    PROBE(a_device_is_its_drivers)                    \
    PROBE(a_device_is_attached_to_another)            \
    PROBE(a_canceled_wake_is_none_to_indicate)        \
    PROBE(a_device_can_be_kept_from_stopping)         \
    PROBE(capabilities_are_taken)                     \
    PROBE(a_control_device_is_deleted_with_the_last_device)

#define PROBES_PROPERTIES(PROBE)                                    \
    PROBE(properties_are_found_by_their_keys)                       \
    PROBE(assigned_properties_are_kept)                             \
    PROBE(a_property_by_key_has_a_buffer_and_its_length)            \
    PROBE(a_property_by_key_is_not_told_of_wrong_data)              \
    PROBE(a_property_that_there_is_not_has_neither_length_nor_type) \
    PROBE(a_property_tells_its_length)                              \
    PROBE(a_property_comes_in_memory_of_its_length)                 \
    PROBE(a_property_that_cannot_be_is_refused)

#define PROBES_POWER(PROBE)                                        \
    PROBE(a_started_device_is_in_d0)                               \
    PROBE(a_wait_for_waking_is_not_canceled_by_the_driver)         \
    PROBE(an_added_device_is_not_started)                          \
    PROBE(hardware_is_prepared_before_there_is_power)              \
    PROBE(d0_is_entered_while_hardware_is_available)               \
    PROBE(interrupts_have_a_state_of_their_own_on_the_way_to_d0)   \
    PROBE(self_managed_io_begins_before_the_device_is_started)     \
    PROBE(a_device_without_power_cannot_be_kept_in_d0)             \
    PROBE(a_device_on_its_way_to_d0_is_kept_there_when_it_comes)   \
    PROBE(a_device_in_d0_is_kept_there_as_often_as_asked)          \
    PROBE(who_waits_for_d0_in_d0_does_not_wait)                    \
    PROBE(a_reference_can_be_let_go_of_at_dispatch_level)          \
    PROBE(idle_settings_have_the_size_of_a_version)                \
    PROBE(idle_settings_of_older_versions_are_taken)               \
    PROBE(an_idle_device_is_in_a_state_below_d0)                   \
    PROBE(idle_settings_have_a_known_capability)                   \
    PROBE(idle_settings_say_who_controls_them)                     \
    PROBE(idle_settings_are_enabled_or_not_or_the_default)         \
    PROBE(who_can_wake_says_nothing_of_powering_up_at_system_wake) \
    PROBE(idleness_is_timed_in_a_known_way)                        \
    PROBE(a_device_that_cannot_wake_does_not_wake_itself)          \
    PROBE(a_device_that_cannot_wake_is_not_selectively_suspended)  \
    PROBE(wake_settings_have_the_size_of_a_version)                \
    PROBE(wake_settings_are_of_known_values)                       \
    PROBE(a_device_that_cannot_wake_does_not_wake_the_system)      \
    PROBE(a_device_can_be_kept_from_being_stopped)                 \
    PROBE(capabilities_can_be_left_as_they_are)                    \
    PROBE(a_device_state_is_told_as_a_whole)                       \
    PROBE(a_device_without_hardware_has_no_resources)              \
    PROBE(behind_the_last_resource_there_is_none)

#define PROBES_INTERRUPTS(PROBE)                                           \
    PROBE(interrupts_are_made_while_their_device_is_added)                 \
    PROBE(no_interrupt_is_made_for_a_started_device)                       \
    PROBE(an_interrupt_has_a_configuration_of_known_size)                  \
    PROBE(an_interrupt_is_configured_as_older_versions_did)                \
    PROBE(an_interrupt_has_an_isr)                                         \
    PROBE(the_size_of_a_configuration_is_looked_at_before_its_isr)         \
    PROBE(the_isr_is_looked_at_before_the_attributes)                      \
    PROBE(an_interrupt_has_a_parent_only_with_automatic_serialization)     \
    PROBE(the_device_is_looked_at_before_the_rest_of_the_configuration)    \
    PROBE(an_interrupt_has_a_dpc_or_a_work_item)                           \
    PROBE(a_wait_lock_is_not_for_dirql)                                    \
    PROBE(a_spin_lock_is_not_for_passive_handling)                         \
    PROBE(an_added_device_has_no_resources_to_make_interrupts_of)          \
    PROBE(an_interrupt_that_wakes_is_made_of_a_resource)                   \
    PROBE(interrupts_are_numbered_as_they_are_made)                        \
    PROBE(an_interrupt_without_a_resource_has_nothing_to_tell)             \
    PROBE(an_older_version_is_told_less)                                   \
    PROBE(an_interrupt_knows_its_device)                                   \
    PROBE(an_interrupt_that_is_not_connected_has_no_kinterrupt)            \
    PROBE(an_interrupt_without_a_resource_is_neither_enabled_nor_disabled) \
    PROBE(a_policy_is_for_the_next_assignment)                             \
    PROBE(passive_handling_has_its_lock_before_it_is_connected)            \
    PROBE(passive_handling_takes_the_drivers_wait_lock)

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

#define PROBES_REMOTE(PROBE)                                 \
    PROBE(a_remote_target_is_started_before_it_is_open)      \
    PROBE(the_parent_of_a_remote_target_is_below_its_device) \
    PROBE(parameters_to_open_with_are_checked)               \
    PROBE(a_remote_target_is_opened_and_closed)              \
    PROBE(a_closed_target_has_no_properties)                 \
    PROBE(a_target_is_opened_by_the_object_of_a_device)      \
    PROBE(other_arguments_of_an_internal_request_are_sent)

#define PROBES_RESOURCES(PROBE)                                       \
    PROBE(requirements_are_filtered_once_before_the_start)            \
    PROBE(requirements_are_lists_in_an_order)                         \
    PROBE(a_list_that_does_not_get_among_the_requirements_is_deleted) \
    PROBE(the_parent_of_a_resource_list_is_its_requirements)          \
    PROBE(a_resource_list_gives_out_copies_of_its_descriptors)        \
    PROBE(what_a_driver_adds_to_the_requirements_is_assigned)

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

#define PROBES_DEVICE_INIT(PROBE)                                  \
    PROBE(a_name_is_a_counted_string)                              \
    PROBE(a_device_has_no_parent_to_choose)                        \
    PROBE(a_device_is_not_created_with_attributes_of_a_wrong_size) \
    PROBE(security_without_a_name_is_refused)                      \
    PROBE(the_security_of_a_device_is_taken_back)                  \
    PROBE(a_device_that_was_not_created_leaves_its_init)           \
    PROBE(the_init_of_device_add_is_not_freed)                     \
    PROBE(the_physical_device_is_known_before_the_device)          \
    PROBE(an_init_tells_how_long_a_property_is)                    \
    PROBE(an_init_tells_a_property)                                \
    PROBE(an_init_tells_a_property_in_memory_of_its_length)        \
    PROBE(an_init_wants_property_data_of_their_size)               \
    PROBE(a_new_device_is_opened_securely)                         \
    PROBE(no_control_init_without_a_security_descriptor)           \
    PROBE(the_security_of_a_control_device_is_not_taken_back)      \
    PROBE(a_control_init_has_no_physical_device)                   \
    PROBE(a_control_init_has_no_properties)                        \
    PROBE(a_control_init_has_no_properties_by_key)                 \
    PROBE(a_control_device_without_a_name_gets_one)                \
    PROBE(a_control_device_with_a_name_gets_no_other)              \
    PROBE(a_name_that_is_taken_back_is_not_replaced)               \
    PROBE(characteristics_are_replaced_or_added)                   \
    PROBE(a_generated_name_replaces_that_which_was_assigned)       \
    PROBE(an_init_is_taken_by_its_device)

#define PROBES_CONTROL(PROBE)                                \
    PROBE(two_devices_do_not_have_one_name)                  \
    PROBE(a_control_device_without_a_name_has_none_to_tell)  \
    PROBE(a_control_device_has_no_state_of_pnp)              \
    PROBE(a_control_device_has_no_state_of_power)            \
    PROBE(a_control_device_has_no_power_policy)              \
    PROBE(nothing_is_below_a_control_device)                 \
    PROBE(a_control_device_has_no_target)                    \
    PROBE(a_control_device_is_its_drivers)                   \
    PROBE(the_device_object_of_a_control_device_leads_back)  \
    PROBE(a_control_device_has_no_default_queue_unless_made) \
    PROBE(a_control_device_has_no_interfaces)                \
    PROBE(a_control_device_has_no_interface_string)          \
    PROBE(a_control_device_has_no_properties)                \
    PROBE(a_control_device_has_no_properties_in_memory)      \
    PROBE(a_control_device_has_no_properties_by_key)         \
    PROBE(a_control_device_is_assigned_no_properties)        \
    PROBE(no_link_leads_to_a_control_device_without_a_name)  \
    PROBE(one_link_leads_to_a_device)                        \
    PROBE(a_link_has_a_name)                                 \
    PROBE(a_link_goes_with_its_device)                       \
    PROBE(two_devices_do_not_have_one_link)

#define PROBES_INTERFACES(PROBE)                                   \
    PROBE(an_interface_has_a_string)                               \
    PROBE(an_interface_has_a_string_before_the_start)              \
    PROBE(the_string_of_an_interface_ends_with_its_reference)      \
    PROBE(an_interface_that_there_is_not_has_no_string)            \
    PROBE(an_interface_is_not_found_without_its_reference)         \
    PROBE(an_interface_without_a_reference_is_not_found_by_one)    \
    PROBE(an_interface_is_asked_for_by_a_string)                   \
    PROBE(an_interface_is_created_with_a_string)                   \
    PROBE(the_state_of_an_interface_that_there_is_not_is_no_error) \
    PROBE(an_interface_is_disabled_and_enabled)

#define PROBES_DMA(PROBE)                                     \
    PROBE(an_enabler_has_a_maximum_length)                    \
    PROBE(an_enabler_has_a_profile)                           \
    PROBE(the_configuration_of_an_enabler_has_one_size)       \
    PROBE(the_parent_of_an_enabler_is_below_its_device)       \
    PROBE(an_enabler_tells_its_lengths)                       \
    PROBE(the_elements_of_a_transfer_are_unlimited_until_set) \
    PROBE(a_common_buffer_has_a_length)                       \
    PROBE(the_parent_of_a_common_buffer_is_its_enabler)       \
    PROBE(a_common_buffer_is_memory_that_the_device_reaches)  \
    PROBE(a_common_buffer_lies_as_it_is_asked_to)             \
    PROBE(the_parent_of_a_transaction_is_its_enabler)         \
    PROBE(a_new_transaction_has_transferred_nothing)          \
    PROBE(a_transaction_has_a_length)                         \
    PROBE(a_transaction_has_a_direction)                      \
    PROBE(a_transaction_begins_in_its_mdl)                    \
    PROBE(a_packet_ends_in_its_mdl)                           \
    PROBE(a_transaction_transfers_what_it_was_given)          \
    PROBE(a_device_is_programmed_at_dispatch_level)           \
    PROBE(a_long_transaction_takes_several_transfers)         \
    PROBE(the_next_packet_waits_for_the_one_before)           \
    PROBE(more_than_the_enabler_allows_is_no_limit)           \
    PROBE(what_was_not_transferred_is_transferred_again)      \
    PROBE(a_final_length_ends_a_transaction)                  \
    PROBE(a_released_transaction_has_transferred_nothing)     \
    PROBE(a_released_transaction_is_used_again)               \
    PROBE(an_initialized_transaction_is_released)

#define PROBES_KERNEL(PROBE)                         \
    PROBE(a_string_is_counted_in_bytes)              \
    PROBE(a_string_is_copied_as_far_as_it_fits)      \
    PROBE(a_string_is_appended_if_it_fits)           \
    PROBE(strings_are_compared_with_case_or_without) \
    PROBE(a_number_is_read_in_a_base)                \
    PROBE(a_wait_for_one_resets_its_event)           \
    PROBE(a_notification_stays_until_it_is_cleared)  \
    PROBE(a_wait_ends_with_its_time)                 \
    PROBE(a_dpc_runs_with_what_it_was_queued_with)   \
    PROBE(a_queued_dpc_is_not_queued_again)          \
    PROBE(a_timer_queues_its_dpc)                    \
    PROBE(a_timer_is_set_anew_and_canceled)          \
    PROBE(an_mdl_describes_memory)
