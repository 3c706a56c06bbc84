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
