use std::{
    io::{Read, Write},
    thread::JoinHandle,
};

use super::*;
use crate::framing::{FrameReader, Message};

const INTERFACE: InterfaceId = InterfaceId([7; 16]);
const CANCELLED: NtStatus = NtStatus(0xC000_0120);

/// The host's end of a connection.
struct Host {
    stream: UnixStream,
    frames: FrameReader<Request>,
}

impl Host {
    /// The next request, or `None` at the end.
    fn next(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.frames.next() {
                return Some(request.unwrap());
            }
            let mut bytes = [0; 100];
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.frames.push(&bytes[..length]),
            }
        }
    }

    fn say(&mut self, reply: &impl Message) {
        self.stream.write_all(&encode(reply).unwrap()).unwrap();
    }

    fn greet(&mut self) {
        assert_eq!(self.next(), Some(Request::Hello(Greeting::OURS)));
        self.say(&Reply::Hello(Greeting::OURS));
    }

    fn open(&mut self) {
        let Some(Request::Open { tag, .. }) = self.next() else {
            panic!("not an open");
        };
        self.say(&Reply::Opened {
            tag,
            result: Ok(HandleId(5)),
        });
    }

    fn complete(&mut self, tag: Tag, output: &[u8]) {
        self.say(&Reply::Completed {
            tag,
            status: NtStatus::SUCCESS,
            information: output.len() as u64,
            output: output.to_vec(),
        });
    }

    fn control(&mut self) -> (Tag, Vec<u8>) {
        match self.next() {
            Some(Request::Control { tag, input, .. }) => (tag, input),
            other => panic!("not a control request: {other:?}"),
        }
    }
}

/// A connection to a host that does what `script` says.
fn connect<T: Send + 'static>(
    script: impl FnOnce(Host) -> T + Send + 'static,
) -> (Result<Connection, Error>, JoinHandle<T>) {
    connect_within(GREETING_LIMIT, script)
}

/// The same, to one that has to greet within a limit.
fn connect_within<T: Send + 'static>(
    limit: Duration,
    script: impl FnOnce(Host) -> T + Send + 'static,
) -> (Result<Connection, Error>, JoinHandle<T>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let host = thread::spawn(move || {
        script(Host {
            stream: theirs,
            frames: FrameReader::new(),
        })
    });
    (Connection::over(ours, Path::new("pair"), limit), host)
}

/// A handle on a host that has greeted and opened it and then does what `script` says.
fn open<T: Send + 'static>(
    script: impl FnOnce(Host) -> T + Send + 'static,
) -> (Handle, JoinHandle<T>) {
    let (connection, host) = connect(|mut host| {
        host.greet();
        host.open();
        script(host)
    });
    let handle = connection
        .unwrap()
        .open_interface(INTERFACE, 0, Access::GENERIC_READ, Share::NONE)
        .unwrap();
    (handle, host)
}

#[test]
fn completions_find_their_requests_in_any_order() {
    let (handle, host) = open(|mut host| {
        let requests: Vec<_> = (0..10).map(|_| host.control()).collect();
        for (tag, input) in requests.into_iter().rev() {
            host.complete(tag, &input);
        }
        host
    });
    let pending: Vec<_> = (0..10)
        .map(|n| handle.submit_control(1, &[n], 1).unwrap())
        .collect();
    for (n, pending) in (0..10).zip(pending) {
        assert_eq!(
            pending.wait().unwrap(),
            Completion {
                status: NtStatus::SUCCESS,
                information: 1,
                output: vec![n],
            }
        );
    }
    drop(host.join());
}

#[test]
fn many_threads_share_one_handle() {
    let (handle, host) = open(|mut host| {
        for _ in 0..400 {
            let (tag, input) = host.control();
            host.complete(tag, &input);
        }
        host
    });
    thread::scope(|scope| {
        for thread in 0..4 {
            let handle = &handle;
            scope.spawn(move || {
                for n in 0..100 {
                    let pending = handle.submit_control(1, &[thread, n], 2).unwrap();
                    assert_eq!(pending.wait().unwrap().output, [thread, n]);
                }
            });
        }
    });
    drop(host.join());
}

#[test]
fn a_wait_that_times_out_gives_the_request_back() {
    let (handle, host) = open(|mut host| {
        let (tag, _) = host.control();
        assert_eq!(host.next(), Some(Request::Cancel { tag }));
        host.say(&Reply::Completed {
            tag,
            status: CANCELLED,
            information: 0,
            output: vec![],
        });
        host
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    let Wait::TimedOut(pending) = pending.wait_timeout(Duration::from_millis(10)).unwrap() else {
        panic!("nobody completed it");
    };
    pending.cancel().unwrap();
    assert_eq!(pending.wait().unwrap().status, CANCELLED);
    drop(host.join());
}

#[test]
fn dropping_a_pending_request_cancels_it_and_drops_its_completion() {
    let (handle, host) = open(|mut host| {
        let (tag, _) = host.control();
        assert_eq!(host.next(), Some(Request::Cancel { tag }));
        host.complete(tag, &[]);
        let (tag, _) = host.control();
        host.complete(tag, &[9]);
        host.next()
    });
    drop(handle.submit_control(1, &[], 0).unwrap());
    let next = handle.submit_control(1, &[], 1).unwrap();
    assert_eq!(next.wait().unwrap().output, [9]);
    drop(handle);
    assert!(matches!(host.join().unwrap(), Some(Request::Close { .. })));
}

#[test]
fn dropping_the_handle_closes_it_and_then_the_connection_ends() {
    let (handle, host) = open(|mut host| (host.next(), host.next()));
    drop(handle);
    let (close, end) = host.join().unwrap();
    assert!(matches!(
        close,
        Some(Request::Close {
            handle: HandleId(5),
            ..
        })
    ));
    assert_eq!(end, None);
}

#[test]
fn closing_waits_for_what_was_pending() {
    let (handle, host) = open(|mut host| {
        let (pending, _) = host.control();
        let Some(Request::Close { tag, .. }) = host.next() else {
            panic!("not a close");
        };
        host.say(&Reply::Completed {
            tag: pending,
            status: CANCELLED,
            information: 0,
            output: vec![],
        });
        host.say(&Reply::Closed { tag });
        host
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    handle.close().unwrap();
    assert_eq!(pending.wait().unwrap().status, CANCELLED);
    drop(host.join());
}

#[test]
fn the_status_of_a_refused_open_is_given() {
    let (connection, host) = connect(|mut host| {
        host.greet();
        let Some(Request::Open { tag, .. }) = host.next() else {
            panic!("not an open");
        };
        host.say(&Reply::Opened {
            tag,
            result: Err(NtStatus(0xC000_0034)),
        });
        host
    });
    let error = connection
        .unwrap()
        .open_interface(INTERFACE, 3, Access::GENERIC_READ, Share::NONE)
        .unwrap_err();
    assert!(matches!(error, Error::OpenFailed(NtStatus(0xC000_0034))));
    drop(host.join());
}

#[test]
fn the_reason_of_a_goodbye_reaches_every_request_then_and_later() {
    let (handle, host) = open(|mut host| {
        host.control();
        host.control();
        host.say(&Reply::Goodbye {
            reason: "bug check".into(),
        });
    });
    let first = handle.submit_control(1, &[], 0).unwrap();
    let second = handle.submit_control(1, &[], 0).unwrap();
    host.join().unwrap();
    let later = || handle.submit_control(1, &[], 0).map(drop);
    for error in [
        first.wait().map(drop),
        second.wait().map(drop),
        later(),
        later(),
    ] {
        assert_eq!(
            error.unwrap_err().to_string(),
            "the host went away: bug check"
        );
    }
}

#[test]
fn a_host_that_dies_fails_what_is_pending() {
    let (handle, host) = open(|mut host| {
        host.control();
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    assert_eq!(
        pending.wait().unwrap_err().to_string(),
        "the host went away: it closed the connection without a goodbye"
    );
    host.join().unwrap();
}

#[test]
fn a_reply_to_a_request_that_is_not_pending_ends_the_connection() {
    let (handle, host) = open(|mut host| {
        host.control();
        host.complete(Tag(77), &[]);
        host.next()
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    assert_eq!(
        pending.wait().unwrap_err().to_string(),
        "the host went away: it answered request 77, which is not pending"
    );
    assert_eq!(host.join().unwrap(), None);
}

#[test]
fn a_reply_of_the_wrong_kind_is_not_taken_for_a_completion() {
    let (handle, host) = open(|mut host| {
        let (tag, _) = host.control();
        host.say(&Reply::Closed { tag });
        host
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    assert_eq!(
        pending.wait().unwrap_err().to_string(),
        "the host went away: it answered a request with something else"
    );
    drop(host.join());
}

#[test]
fn bytes_that_are_no_reply_end_the_connection() {
    let (handle, host) = open(|mut host| {
        host.control();
        host.stream.write_all(&[0xFF; 8]).unwrap();
        host
    });
    let pending = handle.submit_control(1, &[], 0).unwrap();
    let error = pending.wait().unwrap_err().to_string();
    assert!(error.contains("a frame of 4294967295 bytes"), "{error}");
    drop(host.join());
}

#[test]
fn a_host_of_another_version_is_named() {
    let (connection, host) = connect(|mut host| {
        host.say(&Reply::Hello(Greeting::of(VERSION + 1)));
    });
    assert!(matches!(
        connection,
        Err(Error::VersionMismatch { host }) if host == VERSION + 1
    ));
    host.join().unwrap();
}

#[test]
fn a_listener_that_does_not_greet_is_given_up() {
    let (told, waits) = std::sync::mpsc::channel::<()>();
    let (connection, host) = connect_within(Duration::from_millis(50), move |host| {
        // Until the other end has given up.
        assert!(waits.recv().is_err());
        host
    });
    assert!(matches!(connection, Err(Error::Silent { .. })));
    drop(told);
    drop(host.join());
}

#[test]
fn a_socket_where_nobody_listens_is_named_with_what_to_do() {
    let path = Path::new("/nonexistent/host.sock");
    let error = Connection::open(path).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/host.sock"), "{error}");
    assert!(error.contains("KMDF_HOST_SOCKET"), "{error}");
}

#[test]
fn a_buffer_above_the_limit_is_not_sent() {
    let (handle, host) = open(|mut host| {
        let (tag, _) = host.control();
        host.complete(tag, &[]);
        host
    });
    assert!(matches!(
        handle.submit_control(1, &[], u32::MAX),
        Err(Error::NotSendable(_))
    ));
    let next = handle.submit_control(1, &[], 0).unwrap();
    assert!(next.wait().unwrap().status.is_success());
    drop(host.join());
}
