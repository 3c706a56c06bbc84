//! eductl without a host.

use edu_tests::program;

#[test]
fn eductl_without_a_host_says_where_it_looked_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let socket = directory.path().join("socket");
    let socket = socket.to_str().expect("a temporary path is plain");
    for command in [&["info"][..], &["factorial", "12"], &["stress"], &["stats"]] {
        program::eductl([&["--socket", socket], command].concat())
            .exits(3)
            .complains(socket)
            .complains("start a host that runs the driver");
    }
}

#[test]
fn eductl_at_the_socket_of_a_host_that_has_ended_says_so() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let socket = directory.path().join("socket");
    // A socket's file that nobody listens at, as a killed host leaves it.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket can be made"));
    assert!(socket.exists());
    let socket = socket.to_str().expect("a temporary path is plain");
    program::eductl(["--socket", socket, "info"])
        .exits(3)
        .complains(socket);
}
