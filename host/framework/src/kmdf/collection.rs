//! Collections of objects.

use std::{cell::RefCell, rc::Rc};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::object::{Body, Object};
use crate::host::{Host, services};

/// WDFCOLLECTION: it holds a reference of each object in it.
#[derive(Default)]
pub(crate) struct Collection {
    items: RefCell<Vec<Rc<Object>>>,
}

impl Body for Collection {
    const KIND: &'static str = "WDFCOLLECTION";

    fn destroy(&self, host: &Host) {
        for item in self.items.take() {
            host.release_reference(&item);
        }
    }
}

impl Collection {
    /// Adds an object.
    pub(crate) fn add(&self, object: Rc<Object>) {
        object.references.set(object.references.get() + 1);
        self.items.borrow_mut().push(object);
    }

    /// The handles of its objects.
    pub(crate) fn handles(&self) -> Vec<u64> {
        self.items.borrow().iter().map(|item| item.handle).collect()
    }

    fn handle(&self, index: usize) -> u64 {
        self.items.borrow().get(index).map_or(0, |item| item.handle)
    }
}

services! {
    WdfCollectionCreate <= DISPATCH => create;
    WdfCollectionGetCount <= DISPATCH => count;
    WdfCollectionAdd <= DISPATCH => add;
    WdfCollectionRemove <= DISPATCH => remove;
    WdfCollectionRemoveItem <= DISPATCH => remove_item;
    WdfCollectionGetItem <= DISPATCH => item;
    WdfCollectionGetFirstItem <= DISPATCH => first;
    WdfCollectionGetLastItem <= DISPATCH => last;
}

/// WdfCollectionCreate(CollectionAttributes, Collection)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| Collection::default());
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}

fn count(host: &Host, call: &Call) -> u32 {
    let collection = host.body::<Collection>(call.arg(0));
    let count = collection.items.borrow().len();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn add(host: &Host, call: &Call) -> NtStatus {
    let collection = host.body::<Collection>(call.arg(0));
    collection.add(host.object(call.arg(1)));
    STATUS_SUCCESS
}

/// WdfCollectionRemove(Collection, Item): the first one that is that item.
fn remove(host: &Host, call: &Call) {
    let collection = host.body::<Collection>(call.arg(0));
    let index = collection
        .handles()
        .iter()
        .position(|&handle| handle == call.arg(1));
    take_out(host, &collection, index);
}

fn remove_item(host: &Host, call: &Call) {
    let collection = host.body::<Collection>(call.arg(0));
    take_out(host, &collection, Some(call.arg32(1) as usize));
}

fn take_out(host: &Host, collection: &Collection, index: Option<usize>) {
    let mut items = collection.items.borrow_mut();
    let item = index
        .filter(|&index| index < items.len())
        .map(|index| items.remove(index));
    drop(items);
    match item {
        Some(item) => host.release_reference(&item),
        None => host.violation(
            &rules::COLLECTION_ITEM,
            "what is removed is not in the collection",
        ),
    }
}

/// WdfCollectionGetItem(Collection, Index): NULL behind the last one.
fn item(host: &Host, call: &Call) -> u64 {
    host.body::<Collection>(call.arg(0))
        .handle(call.arg32(1) as usize)
}

fn first(host: &Host, call: &Call) -> u64 {
    host.body::<Collection>(call.arg(0)).handle(0)
}

fn last(host: &Host, call: &Call) -> u64 {
    let collection = host.body::<Collection>(call.arg(0));
    let count = collection.items.borrow().len();
    collection.handle(count.wrapping_sub(1))
}
