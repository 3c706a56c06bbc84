//! What an engine asks of a request and of the device's engine, and what it answers.

/// A request that can be made cancelable.
pub trait Request: Sized {
    /// The same request while the framework may cancel it.
    type Cancelable: Cancelable<Request = Self>;

    /// Makes it cancelable (`WdfRequestMarkCancelableEx`).
    ///
    /// # Errors
    /// It has been canceled already, and is still the caller's to complete.
    fn into_cancelable(self) -> Result<Self::Cancelable, Self>;
}

/// A cancelable request.
pub trait Cancelable: Sized {
    /// The same request when it is not cancelable.
    type Request;
    /// Names the request and proves that the framework has canceled it.
    type Canceled;
    /// Names a request.
    type Id;

    /// Makes it uncancelable (`WdfRequestUnmarkCancelable`).
    ///
    /// # Errors
    /// It has been canceled: its cancel callback runs, or will.
    fn reclaim(self) -> Result<Self::Request, Self>;

    /// In the cancel callback: takes the canceled request.
    ///
    /// # Errors
    /// Another request was canceled.
    fn take_canceled(self, canceled: &Self::Canceled) -> Result<Self::Request, Self>;

    /// Whether it is that request.
    fn is(&self, id: &Self::Id) -> bool;
}

/// What an engine of the device can do, and how it is seen to do it.
pub trait Work<C> {
    /// What it is asked to do.
    type Job;
    /// What comes of it.
    type Output;

    /// Whether it can start.
    fn activity(&mut self) -> Activity;

    /// Starts a job. It is idle.
    fn start(&mut self, job: &Self::Job, request: &C);

    /// What has come of the job that was started last.
    fn output(&mut self, job: &Self::Job) -> Progress<Self::Output>;
}

/// Whether an engine can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It can.
    Idle,
    /// It works.
    Busy,
    /// The device was surprise-removed.
    Removed,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<O> {
    /// Not done.
    Busy,
    /// Done.
    Done(O),
    /// The device was surprise-removed.
    Removed,
}

/// Why [`submit`](super::Engine::submit) gave a request back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It had been canceled.
    Canceled,
    /// The device was surprise-removed.
    Removed,
    /// Another request is here. A sequential queue never lets that happen.
    Busy,
}

/// What an interrupt meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Interrupt<R, J, O> {
    /// No request's job is done: the interrupt is a late one, or the request is canceled.
    Stray,
    /// This request's job is done: complete it.
    Done(R, J, O),
    /// The device was surprise-removed: fail this request.
    Removed(R),
}

/// What [`look`](super::Engine::look) found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look<R, J, O> {
    /// Nothing to do.
    Nothing,
    /// This request's job is done and its interrupt is lost: complete it.
    Done(R, J, O),
    /// The device was surprise-removed: fail this request.
    Removed(R),
    /// This request's time is over: fail it.
    GivenUp(R),
}
