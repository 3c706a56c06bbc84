//! What becomes of requests that were sent: below, and when they come back.

use std::{mem::offset_of, rc::Rc, time::Duration};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_CANCELLED},
    types::{WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_TYPE},
};
use kmdf_bus::{Answer, SentKind};
use kmdf_machine::{Alarm, Dpc};

use super::{IoTarget, format::Format, send::Until};
use crate::{
    host::Host,
    kmdf::{
        device::{Device, FIRST_CHILD},
        request::{Owner, Request},
    },
};

/// A request that waits for its target to be started.
pub(crate) struct Queued {
    pub(super) request: Rc<Request>,
    pub(super) format: Format,
    pub(super) until: Until,
}

/// A request that the driver below has.
pub(crate) struct Below {
    format: Format,
    until: Until,
    answer: Answer,
    /// When it answers.
    alarm: Alarm,
}

impl Host {
    /// Sends a request that has waited for its target.
    pub(super) fn send_queued(&self, target: u64, queued: Queued) {
        self.send_down(target, &queued.request, queued.format, queued.until);
    }

    /// Ends a request that waits for its target.
    pub(super) fn end_queued(&self, target: u64, queued: &Queued, status: NtStatus) {
        let answer = Answer::with(status);
        self.arrive(
            target,
            &queued.request,
            &queued.format,
            queued.until,
            &answer,
        );
    }

    /// Hands a request to the driver below.
    pub(super) fn send_down(
        &self,
        target: u64,
        request: &Rc<Request>,
        format: Format,
        until: Until,
    ) {
        let body = self.body::<IoTarget>(target);
        let device = self.body::<Device>(body.device);
        let answer = match device.slot {
            FIRST_CHILD.. => Answer::unknown(),
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
            alarm,
        });
        if request.irp.canceled.get() {
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
            self.cancel_alarm(below.alarm);
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
        if let Some(queued) = &taken {
            self.end_queued(target, queued, status);
        }
        taken.is_some()
    }

    /// Cancels a request on the framework's behalf: it cannot be sent again before it is reused. `false`
    /// when nobody has it.
    pub(super) fn cancel_sent_request(&self, request: &Rc<Request>, status: NtStatus) -> bool {
        request.canceled.set(true);
        self.cancel_below(request, status)
    }

    /// Cancels all that was sent to a target.
    pub(super) fn cancel_sent(&self, target: &IoTarget) {
        let sent = target.sent.borrow().clone();
        for handle in sent {
            let request = self.body::<Request>(handle);
            self.cancel_sent_request(&request, STATUS_CANCELLED);
        }
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
        self.answer_wdm_irp(request, answer.status, answer.information);
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
    pub(super) fn call_completion(&self, request: &Rc<Request>, target: u64) {
        let (routine, context) = request.completion.take();
        if routine == 0 {
            return;
        }
        let bytes = size_of::<WDF_REQUEST_COMPLETION_PARAMS>();
        let address = self.lend("completion parameters", bytes as u64);
        self.memory.write(address, &(bytes as u32));
        self.write_completion_params(request, address);
        let arguments = [request.handle, target, address, context];
        self.strand_unless_locked(|| {
            self.acquires(&request.handed);
            self.call_driver("EvtRequestCompletion", request.handle, routine, &arguments);
        });
        // Lent for the call only.
        let _ = self.memory.free(address);
    }

    /// Writes the WDF_REQUEST_COMPLETION_PARAMS of a request that is back, all but its size.
    pub(super) fn write_completion_params(&self, request: &Request, address: u64) {
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
