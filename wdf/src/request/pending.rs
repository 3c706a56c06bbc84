//! The request that the device works for.

use super::{CancelHandler, CancelableRequest, Canceled, Request, RequestId};
use crate::NtStatus;

/// A place for one request while the device works for it, and what the driver notes about it. The request is
/// cancelable there. Whoever ends it takes it out: the DPC, EvtRequestCancel or EvtIoStop, whichever comes first.
///
/// Keep it in a [`crate::SpinLock`]; complete what is taken out when the lock is released.
///
/// ```no_run
/// use kmdf::{Device, Pending, Request, Result, SpinLock};
///
/// struct MyDevice {
///     pending: SpinLock<Pending<u32>>,
/// }
/// kmdf::context_type!(MyDevice, c"MyDevice");
///
/// /// In EvtDriverDeviceAdd.
/// fn create(device: Device<'_>) -> Result<()> {
///     let pending = SpinLock::new(device, Pending::new())?;
///     device.attach(MyDevice { pending })
/// }
///
/// /// In EvtIoDeviceControl.
/// fn begin(device: &MyDevice, request: Request) {
///     let kept = device.pending.lock().insert::<MyDevice>(request, 0);
///     if let Err((request, failure)) = kept {
///         request.complete(Err(failure));
///     }
/// }
///
/// /// In EvtInterruptDpc: how far the device is is noted.
/// fn progressed(device: &MyDevice, percent: u32) {
///     if let Some(note) = device.pending.lock().note() {
///         *note = percent;
///     }
/// }
///
/// /// In EvtInterruptDpc.
/// fn done(device: &MyDevice, result: u32) {
///     let taken = device.pending.lock().take();
///     if let Some((request, _)) = taken {
///         request.respond(&result);
///     }
/// }
///
/// // EvtRequestCancel and EvtIoStop.
/// kmdf::pending!(MyDevice, pending);
/// ```
#[derive(Debug)]
pub struct Pending<T>(Option<(CancelableRequest, T)>);

/// Makes a device a [`CancelHandler`](crate::CancelHandler) and a [`StopHandler`](crate::StopHandler) that take the
/// request out of its [`Pending`](crate::Pending): a field of its context, a [`SpinLock`](crate::SpinLock), or of what
/// that guards. Canceled, it is completed with STATUS_CANCELLED; when the device leaves D0, it is requeued.
#[macro_export]
macro_rules! pending {
    ($device:ty, $lock:ident $(. $field:ident)*) => {
        impl $crate::CancelHandler for $device {
            type Device = Self;

            #[inline]
            fn on_cancel(device: &Self, canceled: &$crate::Canceled) {
                let taken = device.$lock.lock()$(.$field)*.take_canceled(canceled);
                if let Some(request) = taken {
                    request.complete(Err($crate::NtStatus::CANCELLED));
                }
            }
        }

        impl $crate::StopHandler for $device {
            type Device = Self;

            #[inline]
            fn on_stop(device: &Self, stop: $crate::Stop<'_>) {
                let taken = device.$lock.lock()$(.$field)*.take_stopped(stop.id);
                if let Some(request) = taken {
                    stop.give_up(request);
                }
            }
        }
    };
}

impl<T> Default for Pending<T> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Pending<T> {
    /// No request.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there is a request, canceled or not, and what is noted about it.
    #[must_use]
    #[inline]
    pub fn note(&mut self) -> Option<&mut T> {
        self.0.as_mut().map(|(_, note)| note)
    }

    /// Makes a request cancelable, by `H`, and keeps it. IRQL: <= DISPATCH_LEVEL; a lock may be held.
    ///
    /// # Errors
    /// The request, to be completed with the status beside it: STATUS_CANCELLED, it was canceled already;
    /// STATUS_DEVICE_BUSY, there is another.
    #[inline]
    pub fn insert<H: CancelHandler>(
        &mut self,
        request: Request,
        note: T,
    ) -> Result<(), (Request, NtStatus)> {
        if self.0.is_some() {
            return Err((request, NtStatus::DEVICE_BUSY));
        }
        match request.into_cancelable::<H>() {
            Ok(request) => {
                self.0 = Some((request, note));
                Ok(())
            }
            Err(request) => Err((request, NtStatus::CANCELLED)),
        }
    }

    /// Takes the request out, to be completed. `None`: there is none, or it has been canceled, and its cancel callback
    /// takes it. IRQL: <= DISPATCH_LEVEL; a lock may be held.
    #[inline]
    pub fn take(&mut self) -> Option<(Request, T)> {
        let (request, note) = self.0.take()?;
        match request.reclaim() {
            Ok(request) => Some((request, note)),
            Err(canceled) => {
                self.0 = Some((canceled, note));
                None
            }
        }
    }

    /// Takes out, in EvtRequestCancel, the request that was canceled.
    ///
    /// No example: [`pending!`](crate::pending) is made of it.
    #[inline]
    pub fn take_canceled(&mut self, canceled: &Canceled) -> Option<Request> {
        let (request, note) = self.0.take()?;
        match canceled.take(request) {
            Ok(request) => Some(request),
            Err(another) => {
                self.0 = Some((another, note));
                None
            }
        }
    }

    /// Takes out, in EvtIoStop, the request that it is about. `None`: somebody else is completing it.
    ///
    /// No example: [`pending!`](crate::pending) is made of it.
    #[inline]
    pub fn take_stopped(&mut self, id: &RequestId) -> Option<Request> {
        if self.0.as_ref().is_some_and(|(request, _)| request.is(id)) {
            self.take().map(|(request, _)| request)
        } else {
            None
        }
    }
}
