//! Work that may fail in any way, in a process of its own.
//!
//! The reader of PDBs panics at some damaged ones, and programs are built to end where they panic. So it
//! runs in a child: what ends that is no end of the host.

use std::{
    fs::File,
    io::{self, PipeWriter, Read, Write, pipe},
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rustix::{
    io::Errno,
    process::{Pid, Resource, Rlimit, WaitOptions, setrlimit, waitpid},
};
use serde::{Serialize, de::DeserializeOwned};

/// Processor time of a child, in seconds.
const LONGEST: u64 = 20;
/// Life of a child, in seconds: other work of the machine may hold it up.
const LONGEST_LIFE: u32 = 300;
/// Memory of a child, in bytes.
const MOST_MEMORY: u64 = 4 << 30;

/// What `work` gives, computed in a child of this process. Nothing else that it does is seen here.
///
/// # Errors
/// There is no child to be had; or it panicked, crashed, or used up its time or memory.
pub(super) fn in_child<T: Serialize + DeserializeOwned>(work: impl FnOnce() -> T) -> io::Result<T> {
    let (mut answer, writer) = pipe()?;
    // SAFETY: the child has this thread alone. It computes, writes to its pipe and ends in `end`:
    // it needs memory, which glibc's `fork` leaves usable, and no lock that another thread may hold.
    let child = unsafe { libc::fork() };
    if child == 0 {
        end(writer, work);
    }
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    drop(writer);
    let mut text = Vec::new();
    let read = answer.read_to_end(&mut text);
    // It may be gone already, if this process does not care for its children.
    while let Err(Errno::INTR) = waitpid(Pid::from_raw(child), WaitOptions::empty()) {}
    read?;
    serde_json::from_slice(&text).map_err(|_| io::Error::other("its reader fails on it"))
}

/// The child.
fn end<T: Serialize>(mut writer: PipeWriter, work: impl FnOnce() -> T) -> ! {
    for signal in 1..libc::SIGRTMIN() {
        // SAFETY: the default handling is always allowed, and refused for the two signals that have no
        // other; handlers of this process are not for a child.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    for (resource, most) in [
        (Resource::Cpu, LONGEST),
        (Resource::Data, MOST_MEMORY),
        (Resource::Core, 0),
    ] {
        // A lower limit of the system's own does as well.
        let _ = setrlimit(resource, limit(most));
    }
    // SAFETY: it sets a timer of this process, which has no other use for it.
    unsafe { libc::alarm(LONGEST_LIFE) };
    // What it says of a panic is of no use to anybody.
    if let Ok(nothing) = File::options().write(true).open("/dev/null") {
        // SAFETY: both are descriptors of this process, whose standard error nobody else uses.
        unsafe { libc::dup2(nothing.as_raw_fd(), libc::STDERR_FILENO) };
    }
    let done = catch_unwind(AssertUnwindSafe(work)).is_ok_and(|result| {
        // In one piece: there are a million tokens.
        serde_json::to_vec(&result).is_ok_and(|answer| writer.write_all(&answer).is_ok())
    });
    // SAFETY: it ends this process, without anything that is run at an end: that is the parent's.
    unsafe { libc::_exit(i32::from(!done)) }
}
