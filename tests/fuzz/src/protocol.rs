//! The socket's protocol.

use kmdf_host_client::{framing::FrameReader, protocol::Request};

/// Reads what an app sends. The first byte says in pieces of which size it arrives.
///
/// # Panics
/// The size of the pieces makes a difference.
pub fn protocol(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else {
        return;
    };
    let in_pieces = requests(bytes, usize::from(size).max(1));
    let at_once = requests(bytes, bytes.len().max(1));
    assert_eq!(in_pieces, at_once, "in pieces of {size}, and at once");
}

/// The requests in bytes that arrive in pieces, up to the first that is none.
fn requests(bytes: &[u8], size: usize) -> Vec<Request> {
    let mut reader = FrameReader::<Request>::new();
    let mut requests = Vec::new();
    for piece in bytes.chunks(size) {
        reader.push(piece);
        for request in reader.by_ref() {
            match request {
                Ok(request) => requests.push(request),
                Err(_) => return requests,
            }
        }
    }
    requests
}
