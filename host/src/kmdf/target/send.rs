//! Sending requests down, and what becomes of them there.

use std::{mem::offset_of, rc::Rc, time::Duration};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_CANCELLED, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_IO_TIMEOUT, STATUS_PENDING,
    },
    types::{WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_SEND_OPTIONS, WDF_REQUEST_TYPE},
};

use super::{IoTarget, State, format::Format};
use crate::{
    check::rules,
    cpu::{Irql, stub::Call},
    device::{Answer, SentKind},
    host::Host,
    kmdf::{
        alarm::Alarm,
        device::{Device, NO_SLOT},
        lock::WdfSpinLock,
        object::Body as _,
        queue::Queue,
        request::{Owner, Request},
    },
    sched::Dpc,
    service::services,
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

/// A request that waits for its target to be started.
pub(crate) struct Queued {
    request: Rc<Request>,
    format: Format,
    until: Until,
}

/// A request that the driver below has.
pub(crate) struct Below {
    format: Format,
    until: Until,
    answer: Answer,
    /// When it answers, if that is later.
    alarm: Option<Alarm>,
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
    let target = host.body::<IoTarget>(call.arg(1));
    let refuse = |status| {
        request.sent.set(status);
        false
    };
    let Ok(options) = Options::read(host, call.arg(2)) else {
        return refuse(STATUS_INVALID_PARAMETER);
    };
    host.check_send(&request, options.flags & SYNCHRONOUS != 0);
    let has_format = request.format.borrow().is_some();
    if options.flags & FORGET != 0 {
        if request.made_by_driver {
            return refuse(STATUS_INVALID_DEVICE_STATE);
        }
        if has_format {
            return refuse(STATUS_INVALID_DEVICE_REQUEST);
        }
        let format = host.format_of_app(&request);
        let queue = request.owner.replace(Owner::Target(0));
        if let Owner::Driver(queue) = queue
            && queue != 0
        {
            let queue = host.body::<Queue>(queue);
            queue.forget(&request);
            host.send_down(call.arg(1), &request, format, Until::Forgotten);
            host.present_requests(&queue);
            host.queue_changed(&queue);
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
    if !synchronous && request.completion.get().0 == 0 && !request.made_by_driver {
        return refuse(STATUS_INVALID_DEVICE_REQUEST);
    }
    let format = request.format.borrow().clone();
    let format = format.unwrap_or_else(|| host.format_of_app(&request));
    let until = if synchronous {
        Until::Waited
    } else {
        Until::Called
    };
    if !host.submit_or_queue(call.arg(1), &target, &request, format, until, options) {
        return refuse(STATUS_INVALID_DEVICE_STATE);
    }
    if synchronous {
        host.wait_for_return(&request);
        host.call_completion(&request, call.arg(1));
    }
    true
}

/// WdfRequestCancelSentRequest(Request): whether somebody was asked to cancel it.
fn cancel(host: &Host, call: &Call) -> bool {
    let request = host.body::<Request>(call.arg(0));
    host.cancel_below(&request, STATUS_CANCELLED)
}

/// WdfRequestGetCompletionParams(Request, Params)
fn completion_params(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestGetCompletionParams");
    let size: u32 = host.memory.read(call.arg(1));
    if size as usize != size_of::<WDF_REQUEST_COMPLETION_PARAMS>() {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_REQUEST_COMPLETION_PARAMS.Size is that of no version",
        );
    }
    host.write_completion_params(&request, call.arg(1));
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

    /// Sends a request down, or has it wait for its target; `false` when the target takes none.
    pub(super) fn submit_or_queue(
        &self,
        handle: u64,
        target: &IoTarget,
        request: &Rc<Request>,
        format: Format,
        until: Until,
        options: Options,
    ) -> bool {
        let ignores = options.flags & IGNORE_STATE != 0;
        if target.state.get() == State::Purged && !ignores {
            return false;
        }
        if let Owner::Driver(queue) = request.owner.get() {
            request.owner.set(Owner::Target(queue));
        }
        request.sent.set(STATUS_PENDING);
        if options.flags & TIMEOUT != 0 && options.timeout != 0 {
            let limited = Rc::downgrade(request);
            let expire = Dpc::new("the timeout of a sent request", move |host: &Self| {
                if let Some(request) = limited.upgrade() {
                    host.cancel_below(&request, STATUS_IO_TIMEOUT);
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
        true
    }

    /// Sends a request that has waited for its target.
    pub(super) fn send_queued(&self, target: u64, queued: Queued) {
        self.send_down(target, &queued.request, queued.format, queued.until);
    }

    /// Cancels a request that waits for its target.
    pub(super) fn cancel_queued(&self, target: u64, queued: &Queued) {
        let answer = Answer::with(STATUS_CANCELLED);
        self.arrive(
            target,
            &queued.request,
            &queued.format,
            queued.until,
            &answer,
        );
    }

    /// Hands a request to the driver below.
    fn send_down(&self, target: u64, request: &Rc<Request>, format: Format, until: Until) {
        let body = self.body::<IoTarget>(target);
        let device = self.body::<Device>(body.device);
        let answer = match device.slot {
            NO_SLOT => Answer::unknown(),
            slot => self.answer_from_below(slot, &self.sent(&format)),
        };
        request.target.set(target);
        if answer.after.is_zero() {
            return self.arrive(target, request, &format, until, &answer);
        }
        body.sent.borrow_mut().push(request.handle);
        let alarm = self.answer_later(request, answer.after);
        *request.below.borrow_mut() = Some(Below {
            format,
            until,
            answer,
            alarm: Some(alarm),
        });
        if request.irp.cancelled.get() {
            self.cancel_below(request, STATUS_CANCELLED);
        }
    }

    /// The driver below answers in a DPC, as one that waits for its hardware does.
    fn answer_later(&self, request: &Rc<Request>, after: Duration) -> Alarm {
        let waiting = Rc::downgrade(request);
        let answer = Dpc::new("the driver below", move |host: &Self| {
            let request = waiting.upgrade();
            let below = request.as_ref().and_then(|request| request.below.take());
            if let (Some(request), Some(below)) = (request, below) {
                host.arrive(
                    request.target.get(),
                    &request,
                    &below.format,
                    below.until,
                    &below.answer,
                );
            }
        });
        self.at(self.now() + after, move |host| {
            host.queue_dpc(&answer);
        })
    }

    /// Cancels a request that was sent; `false` when nobody has it.
    pub(crate) fn cancel_below(&self, request: &Rc<Request>, status: NtStatus) -> bool {
        let target = request.target.get();
        if let Some(below) = request.below.take() {
            if let Some(alarm) = below.alarm {
                self.cancel_alarm(alarm);
            }
            let answer = Answer::with(status);
            self.arrive(target, request, &below.format, below.until, &answer);
            return true;
        }
        if !matches!(request.owner.get(), Owner::Target(_)) || target == 0 {
            return false;
        }
        let body = self.body::<IoTarget>(target);
        let mut queued = body.queued.borrow_mut();
        let place = queued
            .iter()
            .position(|queued| Rc::ptr_eq(&queued.request, request));
        let taken = place.map(|place| queued.remove(place));
        drop(queued);
        if let Some(queued) = taken {
            let answer = Answer::with(status);
            self.arrive(target, request, &queued.format, queued.until, &answer);
            return true;
        }
        false
    }

    /// Cancels all that was sent to a target.
    pub(super) fn cancel_sent(&self, target: &IoTarget) {
        let sent = target.sent.borrow().clone();
        for handle in sent {
            let request = self.body::<Request>(handle);
            self.cancel_below(&request, STATUS_CANCELLED);
        }
    }

    /// Waits until nothing is below that was sent to a target.
    pub(super) fn wait_for_sent(&self, target: u64, what: &str) {
        if self.irql() > Irql::PASSIVE {
            self.violation(
                &rules::KMDF_IRQL,
                format!("{what} waits, and is called at {}", self.irql()),
            );
        }
        let body = self.body::<IoTarget>(target);
        self.block_until(move |_| body.sent.borrow().is_empty());
    }

    /// Waits until a request is back.
    pub(super) fn wait_for_return(&self, request: &Rc<Request>) {
        let waited = Rc::clone(request);
        self.block_until(move |_| !matches!(waited.owner.get(), Owner::Target(_)));
    }

    /// A request comes back with its answer.
    fn arrive(
        &self,
        target: u64,
        request: &Rc<Request>,
        format: &Format,
        until: Until,
        answer: &Answer,
    ) {
        if let Some(limit) = request.limit.take() {
            self.cancel_alarm(limit);
        }
        let body = self.body::<IoTarget>(target);
        body.sent
            .borrow_mut()
            .retain(|&other| other != request.handle);
        let room = (format.output.bytes as usize).min(answer.output.len());
        if room > 0 && !answer.status.is_error() {
            self.memory
                .write_bytes(format.output.address, &answer.output[..room]);
        }
        request.came_back(answer.status, answer.information);
        if until == Until::Forgotten {
            return self.complete_request(request, answer.status, answer.information);
        }
        if let Owner::Target(queue) = request.owner.get() {
            request.owner.set(Owner::Driver(queue));
        }
        if until == Until::Called {
            self.call_completion(request, target);
        }
    }

    /// Calls a request's completion routine, if it has one.
    fn call_completion(&self, request: &Rc<Request>, target: u64) {
        let (routine, context) = request.completion.take();
        if routine == 0 {
            return;
        }
        let bytes = size_of::<WDF_REQUEST_COMPLETION_PARAMS>();
        let address = self.lend("completion parameters", bytes as u64);
        self.memory.write(address, &(bytes as u32));
        self.write_completion_params(request, address);
        let arguments = [request.handle, target, address, context];
        self.call_driver("EvtRequestCompletion", request.handle, routine, &arguments);
        // Lent for the call only.
        let _ = self.memory.free(address);
    }

    /// Writes the WDF_REQUEST_COMPLETION_PARAMS of a request that is back, all but its size.
    fn write_completion_params(&self, request: &Request, address: u64) {
        /// Offsets of the union and of its members.
        const UNION: u64 = offset_of!(WDF_REQUEST_COMPLETION_PARAMS, Parameters) as u64;
        const LENGTH: u64 = UNION + 8;
        const OFFSET: u64 = UNION + 16;
        const INPUT: u64 = UNION + 8;
        const OUTPUT: u64 = UNION + 24;
        let status = offset_of!(WDF_REQUEST_COMPLETION_PARAMS, IoStatus) as u64;
        let kind = offset_of!(WDF_REQUEST_COMPLETION_PARAMS, Type) as u64;
        let information = request.information();
        self.memory.write(address + status, &request.sent.get().0);
        self.memory.write(address + status + 8, &information);
        let format = request.format.borrow();
        let Some(format) = &*format else {
            let none = WDF_REQUEST_TYPE::WdfRequestTypeNoFormat.0;
            return self.memory.write(address + kind, &none);
        };
        self.memory.write(address + kind, &format.request_type());
        let (input, output) = (&format.input, &format.output);
        match format.kind {
            SentKind::Read | SentKind::Write => {
                let part = if format.kind == SentKind::Read {
                    output
                } else {
                    input
                };
                self.memory.write(address + UNION, &part.handle());
                self.memory.write(address + LENGTH, &information);
                self.memory.write(address + OFFSET, &part.offset);
            }
            SentKind::Control | SentKind::InternalControl => {
                self.memory.write(address + UNION, &format.code);
                self.memory.write(address + INPUT, &input.handle());
                self.memory.write(address + INPUT + 8, &input.offset);
                self.memory.write(address + OUTPUT, &output.handle());
                self.memory.write(address + OUTPUT + 8, &output.offset);
                self.memory.write(address + OUTPUT + 16, &information);
            }
        }
    }
}
