//! Sending requests down.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_CANCELLED, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_STATE,
        STATUS_INVALID_PARAMETER, STATUS_IO_TIMEOUT, STATUS_PENDING,
    },
    types::{WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_SEND_OPTIONS},
};
use kmdf_machine::{Dpc, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{IoTarget, State, below::Queued, format::Format};
use crate::{
    host::{Host, services},
    kmdf::{
        lock::WdfSpinLock,
        object::Body as _,
        queue::Queue,
        request::{Owner, Request},
    },
};

/// `WDF_REQUEST_SEND_OPTION_TIMEOUT` and the flags after it.
const TIMEOUT: u32 = 1;
const SYNCHRONOUS: u32 = 2;
const IGNORE_STATE: u32 = 4;
const FORGET: u32 = 8;

/// What the sender does until the answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// It goes on; EvtRequestCompletion is called.
    Called,
    /// It waits, for whoever waits looks at the request's owner.
    Waited,
    /// It has nothing to do with the request any more.
    Forgotten,
}

/// WDF_REQUEST_SEND_OPTIONS
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    flags: u32,
    timeout: i64,
}

impl Options {
    /// Those at an address; none for NULL.
    pub(super) fn read(host: &Host, address: u64) -> Result<Self, NtStatus> {
        if address == 0 {
            return Ok(Self::default());
        }
        let options: WDF_REQUEST_SEND_OPTIONS = host.memory.read(address);
        if options.Size as usize != size_of::<WDF_REQUEST_SEND_OPTIONS>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let flags = options.Flags;
        let known = TIMEOUT | SYNCHRONOUS | IGNORE_STATE | FORGET;
        if flags & !known != 0 || flags & FORGET != 0 && flags != FORGET {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(Self {
            flags,
            timeout: options.Timeout,
        })
    }

    /// For how long the sender waits; 0 for ever.
    fn timeout(self) -> i64 {
        if self.flags & TIMEOUT == 0 {
            0
        } else {
            self.timeout
        }
    }
}

services! {
    WdfRequestSetCompletionRoutine <= DISPATCH => set_completion;
    WdfRequestSend <= DISPATCH => send;
    WdfRequestCancelSentRequest <= DISPATCH => cancel;
    WdfRequestGetCompletionParams <= DISPATCH => completion_params;
}

/// WdfRequestSetCompletionRoutine(Request, CompletionRoutine, CompletionContext)
fn set_completion(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestSetCompletionRoutine");
    request.completion.set((call.arg(1), call.arg(2)));
}

/// WdfRequestSend(Request, Target, Options): FALSE when it was not sent, and why by
/// WdfRequestGetStatus.
fn send(host: &Host, call: &Call) -> bool {
    let request = host.driver_request(call.arg(0), "WdfRequestSend");
    let refuse = |status| {
        request.end_sending(status);
        false
    };
    let Ok(options) = Options::read(host, call.arg(2)) else {
        host.invalid_operation("a request is sent with options that are none");
    };
    let target = host.body::<IoTarget>(call.arg(1));
    host.check_send(&request, options.flags & SYNCHRONOUS != 0);
    let has_format = request.format.borrow().is_some();
    if options.flags & FORGET != 0 {
        if has_format {
            host.violation(
                &rules::SEND_AND_FORGET_NO_FORMATTING,
                "a request is to be sent and forgotten that was formatted for its target",
            );
        }
        if request.made_by_driver {
            return refuse(STATUS_INVALID_DEVICE_STATE);
        }
        if request.completion.get().0 != 0 {
            host.invalid_operation(
                "a request is to be sent and forgotten, and has a completion routine",
            );
        }
        let format = host.format_of_app(&request);
        host.hands_over(&request);
        let queue = request.owner.replace(Owner::Target(0));
        if let Owner::Driver(queue) = queue
            && queue != 0
        {
            let queue = host.body::<Queue>(queue);
            queue.forget(&request);
            host.send_down(call.arg(1), &request, format, Until::Forgotten);
            host.dispatch_internal(&queue);
        } else {
            host.send_down(call.arg(1), &request, format, Until::Forgotten);
        }
        return true;
    }
    if !has_format && !request.formatted_as_is.get() {
        host.violation(
            &rules::REQUEST_FORMATTED_VALID,
            "a request is sent that was not formatted",
        );
    }
    let synchronous = options.flags & SYNCHRONOUS != 0;
    if !synchronous && request.completion.get().0 == 0 {
        host.violation(
            &rules::REQ_COMPLETION_ROUTINE,
            "a request is sent without a completion routine, and the driver neither waits for it nor \
             forgets it: it does not hear of the end",
        );
    }
    if synchronous && options.timeout() == 0 && host.checks_all() {
        host.violation(
            &rules::SYNC_REQ_SEND_2,
            "a request is sent and waited for without a timeout",
        );
    }
    let format = request.format.borrow().clone();
    let format = format.unwrap_or_else(|| host.format_of_app(&request));
    let until = if synchronous {
        Until::Waited
    } else {
        Until::Called
    };
    if let Err(status) =
        host.submit_or_queue(call.arg(1), &target, &request, format, until, options)
    {
        return refuse(status);
    }
    if synchronous {
        host.wait_for_return(&request);
        host.call_completion(&request, call.arg(1));
    }
    true
}

/// WdfRequestCancelSentRequest(Request): whether somebody was asked to cancel it.
fn cancel(host: &Host, call: &Call) -> bool {
    host.check_not_surprised(
        &rules::NO_CANCEL_FROM_SURPRISE_REMOVE,
        "a sent request is canceled",
    );
    let request = host.body::<Request>(call.arg(0));
    host.cancel_sent_request(&request, STATUS_CANCELLED)
}

/// WdfRequestGetCompletionParams(Request, Params): nothing is written of a request that was never
/// formatted for a target.
fn completion_params(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestGetCompletionParams");
    let size: u32 = host.memory.read(call.arg(1));
    if size as usize != size_of::<WDF_REQUEST_COMPLETION_PARAMS>() {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_REQUEST_COMPLETION_PARAMS.Size is that of no version",
        );
    }
    if request.has_context.get() {
        host.write_completion_params(&request, call.arg(1));
    }
}

impl Host {
    /// What must hold for a request that is about to be sent.
    pub(super) fn check_send(&self, request: &Request, synchronous: bool) {
        if request.cancel.get() != 0 {
            self.violation(
                &rules::REQ_MARK_CANCELABLE_SEND,
                "a request is sent while it is cancelable: WdfRequestUnmarkCancelable comes first",
            );
        }
        let locked = self.scheduler.current().is_some_and(|(_, flow)| {
            let locks = flow.locks.borrow();
            locks.iter().any(|held| held.name == WdfSpinLock::KIND)
        });
        if locked {
            self.violation(
                &rules::REQ_SEND_WHILE_SPINLOCK,
                "a request is sent while a WDFSPINLOCK is held: what is below may take long, or call \
                 the completion routine at once",
            );
        }
        if synchronous && self.irql() > Irql::PASSIVE {
            self.violation(
                &rules::REQUEST_SEND_SYNC_AT_DISPATCH,
                format!("a request is sent synchronously at {}", self.irql()),
            );
        }
    }

    /// Sends a request down, or has it wait for its target.
    ///
    /// # Errors
    /// The target takes none, or the request was canceled before and not reused.
    pub(super) fn submit_or_queue(
        &self,
        handle: u64,
        target: &IoTarget,
        request: &Rc<Request>,
        format: Format,
        until: Until,
        options: Options,
    ) -> Result<(), NtStatus> {
        let ignores = options.flags & IGNORE_STATE != 0;
        let takes = match target.state.get() {
            State::Started | State::Stopped => true,
            State::Purged => ignores,
            State::ClosedForQueryRemove | State::Closed | State::Deleted => false,
        };
        if !takes {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        if request.canceled.get() {
            return Err(STATUS_CANCELLED);
        }
        self.hands_over(request);
        if let Owner::Driver(queue) = request.owner.get() {
            request.owner.set(Owner::Target(queue));
        }
        request.sent.set(STATUS_PENDING);
        if options.timeout() != 0 {
            let limited = Rc::downgrade(request);
            let expire = Dpc::new("the timeout of a sent request", move |host: &Self| {
                if let Some(request) = limited.upgrade() {
                    host.cancel_sent_request(&request, STATUS_IO_TIMEOUT);
                }
            });
            let alarm = self.at(self.due_time(options.timeout), move |host| {
                host.queue_dpc(&expire);
            });
            request.limit.set(Some(alarm));
        }
        if target.state.get() == State::Stopped && !ignores {
            let queued = Queued {
                request: Rc::clone(request),
                format,
                until,
            };
            target.queued.borrow_mut().push(queued);
            request.target.set(handle);
        } else {
            self.send_down(handle, request, format, until);
        }
        Ok(())
    }

    /// Waits until nothing is below that was sent to a target.
    pub(super) fn wait_for_sent(&self, target: &IoTarget, what: &str) {
        if self.irql() > Irql::PASSIVE {
            self.violation(
                &rules::KMDF_IRQL,
                format!("{what} waits, and is called at {}", self.irql()),
            );
        }
        let sent = Rc::clone(&target.sent);
        self.block_until(move |_| sent.borrow().is_empty());
    }

    /// Waits until a request is back.
    pub(super) fn wait_for_return(&self, request: &Rc<Request>) {
        let waited = Rc::clone(request);
        self.block_until(move |_| !matches!(waited.owner.get(), Owner::Target(_)));
    }
}
