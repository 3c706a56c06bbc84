/* Every defect, and when it acts. The registry value `Bug` counts from 1, in this order; teeth/src
 * reads names, order and files here. */

/* irql.c */
BUG(returns_at_dispatch_level, Started)
BUG(completes_in_the_isr, Isr)
BUG(waits_for_a_wait_lock_in_the_dpc, Dpc)
BUG(sleeps_in_the_dpc, Dpc)
BUG(paged_pool_in_the_dpc, Dpc)
BUG(calls_pageable_code_in_the_dpc, Dpc)

/* locks.c */
BUG(takes_the_spin_lock_twice, Started)
BUG(keeps_the_spin_lock, Started)
BUG(releases_a_spin_lock_it_has_not, Started)
BUG(keeps_the_wait_lock, Started)
BUG(releases_a_wait_lock_it_has_not, Started)
BUG(takes_the_interrupt_lock_in_the_isr, Isr)
BUG(keeps_the_interrupt_lock, Take)
BUG(releases_an_interrupt_lock_it_has_not, Started)
BUG(takes_a_kernel_spin_lock_twice, Started)
BUG(timer_waits_for_itself, Timer)
BUG(work_item_waits_for_itself, WorkItem)
BUG(takes_two_locks_in_both_orders, Started)
BUG(takes_the_lock_of_a_lock, Started)
BUG(keeps_the_lock_of_its_queue, Started)

/* completion.c */
BUG(completes_twice, Request)
BUG(uses_a_completed_request, Request)
BUG(writes_to_a_completed_request, Request)
BUG(completes_a_queued_request, Request)
BUG(returns_more_than_the_buffer_has, Request)
BUG(completes_with_pending, Request)
BUG(forgets_the_request, Request)
BUG(uses_the_memory_of_a_completed_request, Request)
BUG(deletes_a_request, Request)

/* sending.c */
BUG(sends_what_it_did_not_format, Request)
BUG(sends_a_cancelable_request, Request)
BUG(sends_with_the_lock, Request)
BUG(sends_synchronously_in_the_dpc, Dpc)
BUG(completes_its_own_request, Request)
BUG(deletes_a_request_that_is_below, Request)

/* cancel.c */
BUG(marks_cancelable_twice, Request)
BUG(completes_while_cancelable, Finish)
BUG(asks_a_cancelable_request, Request)
BUG(forwards_a_cancelable_request, Request)

/* queues.c */
BUG(changes_a_queue_twice, Request)
BUG(purges_its_queue_synchronously, Request)
BUG(retrieves_from_a_sequential_queue, Started)
BUG(retrieves_a_found_request_elsewhere, Request)

/* power.c */
BUG(ignores_evt_io_stop, IoStop)
BUG(acknowledges_a_stop_that_is_none, Request)
BUG(requeues_while_cancelable, IoStop)
BUG(gives_up_power_policy_ownership, DeviceInit)
BUG(enters_d0_in_pageable_code, DeviceInit)
BUG(purges_its_queue_at_surprise_removal, Gone)
BUG(completes_at_surprise_removal, Gone)

/* objects.c */
BUG(names_a_parent_for_requests, DeviceInit)
BUG(mistakes_a_handle, Started)
BUG(uses_a_deleted_lock, Started)
BUG(deletes_its_interrupt, Started)
BUG(dereferences_once_too_often, Started)
BUG(keeps_a_reference, Started)
BUG(succeeds_without_a_device, DeviceInit)
BUG(keeps_device_init, DeviceInit)
BUG(queues_a_dpc_it_did_not_initialize, Started)
BUG(sets_an_event_it_did_not_initialize, Started)
BUG(cancels_a_timer_it_did_not_initialize, Started)
BUG(frees_a_work_item_it_did_not_allocate, Started)

/* memory.c */
BUG(writes_through_a_null_pointer, Started)
BUG(writes_to_freed_pool, Started)
BUG(writes_behind_its_pool, Started)
BUG(hands_a_wild_pointer_to_the_framework, Started)
BUG(writes_behind_a_buffer, Started)
BUG(writes_behind_its_context, Started)
BUG(frees_with_another_tag, Started)
BUG(frees_twice, Started)
BUG(allocates_without_a_tag, Started)
BUG(leaks_pool, Started)
BUG(maps_nothing, Prepare)
BUG(unmaps_half_a_bar, Started)
BUG(assigns_a_buffer_to_memory_that_has_one, Started)
BUG(recurses_too_deep, Started)
BUG(keeps_a_mapping, Prepare)
BUG(demands_pool, Started)
BUG(frees_a_timer_that_is_set, Started)
BUG(forgets_a_timer, Unload)

/* interrupts.c */
BUG(queues_the_dpc_from_elsewhere, Request)
BUG(disowns_its_interrupt, Isr)
BUG(does_not_acknowledge, Acknowledge)
BUG(sets_the_policy_too_late, Started)
BUG(handles_messages_at_passive_level, CreateInterrupt)
BUG(claims_every_interrupt, Isr)
BUG(polls_in_the_isr, Isr)
BUG(stalls_in_the_dpc, Dpc)
BUG(polls_for_ever, Started)

/* registers.c */
BUG(reads_a_byte_of_a_register, Started)
BUG(reads_where_there_is_no_register, Started)
BUG(writes_while_the_device_computes, Begin)

/* dma.c */
BUG(transfers_from_above_the_mask, Started)
BUG(transfers_behind_the_buffer, Started)
BUG(starts_a_second_transfer, Started)
BUG(sets_no_elements, Started)
BUG(ends_a_transfer_that_has_not_begun, Started)
BUG(reports_more_than_was_mapped, Started)

/* calls.c */
BUG(forgets_an_init_helper, Started)
BUG(binds_with_a_wrong_count, DeviceAdd)
BUG(unbinds_what_it_did_not_bind, Unload)
BUG(cannot_be_unloaded, DeviceAdd)
BUG(removes_what_is_in_no_collection, Started)
BUG(writes_to_its_resource_list, Prepare)
BUG(unregisters_a_provider_twice, Started)
BUG(writes_an_event_of_too_many_pieces, Started)

/* processor.c */
BUG(registers_data_as_a_callback, CreateInterrupt)
BUG(breaks_into_the_debugger, Started)
BUG(executes_no_instruction, Started)
BUG(divides_by_zero, Started)
BUG(fails_fast, Started)
BUG(halts_the_processor, Started)
BUG(ends_the_system, Started)

/* races.c */
BUG(ignores_that_it_is_canceled, Finish)
BUG(cancels_without_the_lock, Cancel)
BUG(takes_the_request_without_the_lock, Finish)
BUG(overwrites_the_causes, Acknowledge)
BUG(acknowledges_what_it_did_not_read, Acknowledge)
BUG(takes_the_causes_without_the_lock, Take)
BUG(begins_before_it_is_ready, Request)
BUG(leaks_when_out_of_memory, Started)
BUG(uses_memory_it_did_not_get, Started)
