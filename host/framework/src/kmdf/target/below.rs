//! What becomes of requests that were sent: below, and when they come back.

use std::{mem::offset_of, rc::Rc, time::Duration};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_CANCELLED},
    types::{WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_TYPE},
};
use kmdf_bus::{Answer, SentKind};
use kmdf_machine::{Alarm, Dpc};

use super::{
    IoTarget, Kind,
    format::{Format, Part},
    send::Until,
};
use crate::{
    host::Host,
    io::{Irp, Outcome},
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

/// A request that somebody has to whom it was sent.
pub(crate) struct Below {
    format: Format,
    until: Until,
    by: By,
}

/// Who has a request.
enum By {
    /// The driver below, and what it answers when.
    Bus(Answer, Alarm),
    /// This driver, as an IRP of its own.
    Driver(Rc<Irp>),
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
        request.target.set(target);
        let answer = match &body.kind {
            Kind::Local => self.answer_below(&device, &format),
            Kind::Itself(itself) => {
                let irp = self.pass_on(&body, request, format, until);
                return self.dispatch_to_itself(&device, itself, &irp);
            }
            Kind::Remote(remote) => match remote.opened() {
                Some(opened) if opened.is_below() => self.answer_below(&opened.device, &format),
                Some(opened) => {
                    let irp = self.pass_on(&body, request, format, until);
                    if let Some(file) = opened.file {
                        file.send_through(&irp);
                    }
                    return self.dispatch(opened.device.handle, &irp);
                }
                None => self.invalid_operation("a request is sent to a target that is not open"),
            },
        };
        if answer.after.is_zero() {
            return self.arrive(target, request, &format, until, &answer);
        }
        body.sent.borrow_mut().push(request.handle);
        let alarm = self.answer_later(request, answer.after);
        *request.below.borrow_mut() = Some(Below {
            format,
            until,
            by: By::Bus(answer, alarm),
        });
        if request.irp.canceled.get() {
            self.cancel_below(request, STATUS_CANCELLED);
        }
    }

    /// What is below a device answers.
    fn answer_below(&self, device: &Device, format: &Format) -> Answer {
        match device.slot {
            FIRST_CHILD.. => Answer::unknown(),
            slot => self.answer_from_below(slot, &self.sent(format)),
        }
    }

    /// Makes the IRP with which a request reaches a device of this driver.
    fn pass_on(
        &self,
        body: &IoTarget,
        request: &Rc<Request>,
        format: Format,
        until: Until,
    ) -> Rc<Irp> {
        let sender = Rc::downgrade(request);
        let back = Box::new(move |host: &Self, outcome: &Outcome| {
            let request = sender.upgrade();
            let below = request.as_ref().and_then(|request| request.below.take());
            let (Some(request), Some(below)) = (request, below) else {
                return;
            };
            let status = match request.given_up.take() {
                Some(given_up) if outcome.status == STATUS_CANCELLED => given_up,
                _ => outcome.status,
            };
            let answer = Answer {
                information: outcome.information,
                output: outcome.output.clone(),
                ..Answer::with(status)
            };
            let target = request.target.get();
            host.arrive(target, &request, &below.format, below.until, &answer);
        });
        let others = format.others.as_ref().map(|others| {
            let others = [&others[0], &others[1], &others[2]];
            others.map(|part| part.address)
        });
        let irp = Rc::new(Irp::of_target(self.sent(&format), others, back));
        irp.canceled.set(request.irp.canceled.get());
        body.sent.borrow_mut().push(request.handle);
        request.given_up.set(None);
        *request.below.borrow_mut() = Some(Below {
            format,
            until,
            by: By::Driver(Rc::clone(&irp)),
        });
        irp
    }

    /// The driver below answers in a DPC, as one that waits for its hardware does.
    fn answer_later(&self, request: &Rc<Request>, after: Duration) -> Alarm {
        let waiting = Rc::downgrade(request);
        let answer = Dpc::new("the driver below", move |host: &Self| {
            let request = waiting.upgrade();
            let below = request.as_ref().and_then(|request| request.below.take());
            if let (Some(request), Some(below)) = (request, below)
                && let By::Bus(answer, _) = &below.by
            {
                let target = request.target.get();
                host.arrive(target, &request, &below.format, below.until, answer);
            }
        });
        self.at(self.now() + after, move |host| {
            host.queue_dpc(&answer);
        })
    }

    /// Cancels a request that was sent; `false` when nobody has it.
    pub(crate) fn cancel_below(&self, request: &Rc<Request>, status: NtStatus) -> bool {
        let target = request.target.get();
        let passed_on = match &*request.below.borrow() {
            Some(Below {
                by: By::Driver(irp),
                ..
            }) => Some(Rc::clone(irp)),
            _ => None,
        };
        if let Some(irp) = passed_on {
            request.given_up.set(Some(status));
            // It comes back when the driver lets it.
            self.cancel_here(&irp);
            return true;
        }
        if let Some(below) = request.below.take() {
            if let By::Bus(_, alarm) = below.by {
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
        let Some(format) = format.as_ref().filter(|format| !format.by_location) else {
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
            SentKind::InternalControl if format.others.is_some() => {
                let others = format
                    .others
                    .as_ref()
                    .map(|others| others.each_ref().map(Part::handle));
                let [first, second, fourth] = others.unwrap_or_default();
                self.memory.write(address + UNION, &first);
                self.memory.write(address + UNION + 8, &second);
                self.memory
                    .write(address + UNION + 16, &u64::from(format.code));
                self.memory.write(address + UNION + 24, &fourth);
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
