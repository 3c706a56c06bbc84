//! Threads of apps: for scenarios in which an app does several things at the same time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use kmdf_framework::{File, Host, Irp, Operation};
use kmdf_machine::Point;

use super::{hooks::Explorer, stage::Stage, visit::Cause};

/// A thread of an app. What it does, it does one after the other, and each call is made in it: the driver
/// is called on this thread, as on Windows. Other threads go on in between whenever the strategy wants,
/// with the same handles if they share them.
pub struct AppThread<'a> {
    host: &'a Host,
    explorer: Rc<Explorer>,
    /// What it has sent.
    sent: RefCell<Vec<Rc<Irp>>>,
}

impl Stage<'_> {
    /// Starts a thread. When `body` returns the thread ends, as [`AppThread`] says; then the cell is true.
    pub fn start_thread(
        &self,
        name: &'static str,
        body: impl FnOnce(&AppThread<'_>) + 'static,
    ) -> Rc<Cell<bool>> {
        let over = Rc::new(Cell::new(false));
        let ended = Rc::clone(&over);
        let explorer = Rc::clone(self.explorer);
        self.host().spawn(name, move |host| {
            let thread = AppThread {
                host,
                explorer,
                sent: RefCell::default(),
            };
            body(&thread);
            thread.end();
            ended.set(true);
        });
        over
    }
}

impl AppThread<'_> {
    /// Opens the device interface of a class, as CreateFile does; `None` if it cannot be opened.
    #[must_use]
    pub fn open(&self, class: [u8; 16], instance: u32, access: u32) -> Option<Rc<File>> {
        self.call();
        let file = self.host.begin_open(class, instance, access).ok()?;
        let opening = Rc::clone(&file);
        self.host.block_until(move |_| opening.opened().is_some());
        if !file.opened()?.is_success() {
            return None;
        }
        let mut files = self.explorer.files.borrow_mut();
        files.push(Rc::clone(&file));
        drop(files);
        Some(file)
    }

    /// Sends a request, as DeviceIoControl, ReadFile and WriteFile do with an OVERLAPPED: it returns when
    /// the driver has, which may be before the request has ended.
    pub fn send(&self, file: &File, operation: Operation) -> Rc<Irp> {
        self.call();
        let irp = file.prepare(operation);
        self.sent.borrow_mut().retain(|irp| !irp.is_finished());
        self.sent.borrow_mut().push(Rc::clone(&irp));
        self.explorer.note(&irp);
        if !irp.is_finished() {
            // The I/O manager has the file object; the handle may go now.
            self.call();
            self.host.dispatch(file.device(), &irp);
        }
        irp
    }

    /// Cancels a request of any thread, as CancelIoEx does.
    pub fn cancel(&self, irp: &Irp) {
        self.call();
        self.host.cancel_here(irp);
    }

    /// Closes a file, as CloseHandle does: other threads may be just using it.
    pub fn close(&self, file: &Rc<File>) {
        self.call();
        self.host.close_here(file);
    }

    /// Waits for the end of a request.
    pub fn wait(&self, irp: &Rc<Irp>) {
        let irp = Rc::clone(irp);
        self.host.block_until(move |_| irp.is_finished());
    }

    /// Sleeps, in virtual time.
    pub fn sleep(&self, duration: Duration) {
        let until = self.host.now() + duration;
        self.host.block_until_or(until, |_| false);
    }

    /// Begins something that may happen at any moment ([`Stage::begin`]).
    pub fn begin(&self, cause: Cause) {
        self.explorer.begin(self.host, cause);
    }

    /// Enters the kernel: before that anything may happen.
    fn call(&self) {
        self.host.preemption_point(Point::Service);
    }

    /// What a thread has pending when it ends, the I/O manager cancels, and waits for.
    fn end(&self) {
        let pending = self.sent.take();
        for irp in pending.iter().filter(|irp| !irp.is_finished()) {
            self.cancel(irp);
        }
        self.host
            .block_until(move |_| pending.iter().all(|irp| irp.is_finished()));
    }
}
