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
    GROUP(interrupts, PROBES_INTERRUPTS) \
    GROUP(targets, PROBES_TARGETS)

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

#define PROBES_TARGETS(PROBE)                           \
    PROBE(what_is_below_answers_while_the_sender_waits) \
    PROBE(memory_objects_are_sent_in_part)              \
    PROBE(a_sent_request_comes_back_to_its_routine)     \
    PROBE(a_sent_request_is_canceled)                   \
    PROBE(a_sent_request_has_a_limit)                   \
    PROBE(a_stopped_target_keeps_what_is_sent)          \
    PROBE(a_purged_target_takes_nothing)                \
    PROBE(a_local_target_is_of_its_device)
