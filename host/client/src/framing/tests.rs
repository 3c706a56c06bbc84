use proptest::{collection::vec, prelude::*};

use super::*;
use crate::protocol::{Access, HandleId, InterfaceId, NtStatus, Share, Tag, VERSION};

fn request() -> impl Strategy<Value = Request> {
    let tag = || any::<u64>().prop_map(Tag);
    let handle = || any::<u32>().prop_map(HandleId);
    let bytes = || vec(any::<u8>(), 0..300);
    let length = || 0..=MAX_TRANSFER_BYTES;
    prop_oneof![
        any::<u32>().prop_map(|version| Request::Hello(Greeting::of(version))),
        (tag(), any::<[u8; 16]>(), any::<[u32; 3]>()).prop_map(
            |(tag, interface, [instance, access, share])| Request::Open {
                tag,
                interface: InterfaceId(interface),
                instance,
                access: Access(access),
                share: Share(share),
            }
        ),
        (tag(), handle(), any::<u32>(), bytes(), length()).prop_map(
            |(tag, handle, code, input, output_length)| Request::Control {
                tag,
                handle,
                code,
                input,
                output_length,
            }
        ),
        (tag(), handle(), any::<u64>(), length()).prop_map(|(tag, handle, offset, length)| {
            Request::Read {
                tag,
                handle,
                offset,
                length,
            }
        }),
        (tag(), handle(), any::<u64>(), bytes()).prop_map(|(tag, handle, offset, data)| {
            Request::Write {
                tag,
                handle,
                offset,
                data,
            }
        }),
        tag().prop_map(|tag| Request::Cancel { tag }),
        (tag(), handle()).prop_map(|(tag, handle)| Request::Close { tag, handle }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let tag = || any::<u64>().prop_map(Tag);
    let status = || any::<u32>().prop_map(NtStatus);
    let opened = prop_oneof![
        any::<u32>().prop_map(|id| Ok(HandleId(id))),
        status().prop_map(Err)
    ];
    prop_oneof![
        any::<u32>().prop_map(|version| Reply::Hello(Greeting::of(version))),
        (tag(), opened).prop_map(|(tag, result)| Reply::Opened { tag, result }),
        (tag(), status(), any::<u64>(), vec(any::<u8>(), 0..300)).prop_map(
            |(tag, status, information, output)| Reply::Completed {
                tag,
                status,
                information,
                output,
            }
        ),
        tag().prop_map(|tag| Reply::Closed { tag }),
        any::<String>().prop_map(|reason| Reply::Goodbye { reason }),
    ]
}

/// Everything that comes out when `stream` is cut at each of `cuts`.
fn read_in_pieces<M: Message>(stream: &[u8], cuts: &[usize]) -> Vec<Result<M, FrameError>> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut reader = FrameReader::new();
    let mut messages = Vec::new();
    for ends in cuts.windows(2) {
        reader.push(&stream[ends[0]..ends[1]]);
        messages.extend(reader.by_ref());
    }
    messages
}

proptest! {
    #[test]
    fn requests_arrive_as_they_were_sent_wherever_the_stream_is_cut(
        requests in vec(request(), 0..6),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(|request| encode(request).unwrap()).collect();
        let expected: Vec<_> = requests.into_iter().map(Ok).collect();
        prop_assert_eq!(read_in_pieces(&stream, &cuts), expected);
    }

    #[test]
    fn replies_arrive_as_they_were_sent_wherever_the_stream_is_cut(
        replies in vec(reply(), 0..6),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let stream: Vec<u8> = replies.iter().flat_map(|reply| encode(reply).unwrap()).collect();
        let expected: Vec<_> = replies.into_iter().map(Ok).collect();
        prop_assert_eq!(read_in_pieces(&stream, &cuts), expected);
    }

    #[test]
    fn any_bytes_give_messages_and_at_most_one_error_at_the_end(
        stream in vec(any::<u8>(), 0..2000),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let messages = read_in_pieces::<Request>(&stream, &cuts);
        prop_assert!(messages.iter().rev().skip(1).all(Result::is_ok));
        let messages = read_in_pieces::<Reply>(&stream, &cuts);
        prop_assert!(messages.iter().rev().skip(1).all(Result::is_ok));
    }

    #[test]
    fn any_body_of_the_right_length_gives_a_message_or_an_error(
        body in vec(any::<u8>(), 1..200),
    ) {
        let mut stream = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        stream.extend(&body);
        prop_assert_eq!(read_in_pieces::<Request>(&stream, &[]).len(), 1);
        prop_assert_eq!(read_in_pieces::<Reply>(&stream, &[]).len(), 1);
    }

    #[test]
    fn a_changed_byte_gives_other_messages_or_an_error_but_never_a_broken_limit(
        request in request(),
        position: prop::sample::Index,
        value: u8,
    ) {
        let mut stream = encode(&request).unwrap();
        let position = position.index(stream.len());
        stream[position] = value;
        for message in read_in_pieces::<Request>(&stream, &[]).into_iter().flatten() {
            prop_assert_eq!(message.check(), Ok(()));
        }
    }
}

#[test]
fn an_announced_length_above_the_limit_is_refused_before_the_body_comes() {
    let mut reader = FrameReader::<Request>::new();
    reader.push(&u32::MAX.to_le_bytes());
    assert_eq!(
        reader.next(),
        Some(Err(FrameError::TooLong {
            length: u32::MAX as usize
        }))
    );
}

#[test]
fn an_empty_frame_is_refused() {
    let mut reader = FrameReader::<Request>::new();
    reader.push(&[0; 4]);
    assert_eq!(reader.next(), Some(Err(FrameError::Empty)));
}

#[test]
fn after_an_error_nothing_more_is_read_or_kept() {
    let mut reader = FrameReader::<Request>::new();
    reader.push(&[0; 4]);
    assert!(reader.next().is_some_and(|message| message.is_err()));
    reader.push(&encode(&Request::Cancel { tag: Tag(1) }).unwrap());
    assert_eq!(reader.next(), None);
    assert!(reader.buffer.is_empty());
}

#[test]
fn bytes_after_the_message_in_its_frame_are_refused() {
    let mut stream = encode(&Request::Cancel { tag: Tag(1) }).unwrap();
    stream[0] += 1;
    stream.push(0);
    let messages = read_in_pieces::<Request>(&stream, &[]);
    assert!(matches!(
        messages.as_slice(),
        [Err(FrameError::Malformed { .. })]
    ));
}

#[test]
fn a_message_of_the_longest_transfer_fits_and_one_byte_more_does_not() {
    let write = |length: u32| Request::Write {
        tag: Tag(u64::MAX),
        handle: HandleId(u32::MAX),
        offset: u64::MAX,
        data: vec![0xA5; length as usize],
    };
    let longest = write(MAX_TRANSFER_BYTES);
    let stream = encode(&longest).unwrap();
    assert_eq!(
        read_in_pieces::<Request>(&stream, &[5, 70_000]),
        [Ok(longest)]
    );
    assert_eq!(
        encode(&write(MAX_TRANSFER_BYTES + 1)),
        Err(FrameError::TransferTooLong {
            bytes: MAX_TRANSFER_BYTES as usize + 1
        })
    );
}

#[test]
fn an_output_buffer_above_the_limit_is_refused_by_the_receiver_too() {
    let request = Request::Read {
        tag: Tag(1),
        handle: HandleId(1),
        offset: 0,
        length: MAX_TRANSFER_BYTES + 1,
    };
    let body = postcard::to_stdvec(&request).unwrap();
    let mut stream = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    stream.extend(body);
    assert_eq!(
        read_in_pieces::<Request>(&stream, &[]),
        [Err(FrameError::TransferTooLong {
            bytes: MAX_TRANSFER_BYTES as usize + 1
        })]
    );
}

#[test]
fn the_greeting_keeps_its_bytes_for_ever() {
    let mut expected = vec![10, 0, 0, 0, 0];
    expected.extend(b"kmdfhost");
    expected.push(u8::try_from(VERSION).unwrap());
    assert_eq!(
        encode(&Request::Hello(Greeting::OURS)),
        Ok(expected.clone())
    );
    assert_eq!(encode(&Reply::Hello(Greeting::OURS)), Ok(expected));
}

#[test]
fn a_greeting_of_another_protocol_is_refused() {
    let mut stream = encode(&Request::Hello(Greeting::OURS)).unwrap();
    stream[5] = b'K';
    assert_eq!(
        read_in_pieces::<Request>(&stream, &[]),
        [Err(FrameError::ForeignGreeting)]
    );
}
