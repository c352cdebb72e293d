//! Files chosen or dropped.

use crate::reactive::*;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File, FileList};

#[cfg(feature = "whole")]
use crate::beside::Slot;
use crate::store::{Reading, Store};

/// Reads these files and asks about their model. What was asked before stays where they hold
/// none.
pub fn open(store: Store, list: &FileList) {
    // The list itself empties when its field is cleared.
    let files = (0..list.length())
        .filter_map(|index| list.get(index))
        .collect();
    read(store, files);
}

/// Reads these files into a place of what runs beside the model.
#[cfg(feature = "whole")]
pub fn open_beside(store: Store, slot: Slot, list: &FileList) {
    let files: Vec<File> = (0..list.length())
        .filter_map(|index| list.get(index))
        .collect();
    if !files.is_empty() {
        super::headers::read_beside(store, slot, files);
    }
}

/// The same for files that the program before this one was given.
pub(super) fn read(store: Store, files: Vec<File>) {
    if files.is_empty() {
        return;
    }
    store.set_reading(Reading::Busy);
    #[cfg(feature = "whole")]
    super::headers::read(store, files);
    #[cfg(not(feature = "whole"))]
    super::handover::read(store, files);
}

/// Takes files that are dropped anywhere on the page.
pub(super) fn follow_drops(store: Store) {
    let mark = |on: bool| {
        if let Some(root) = document().document_element() {
            // The mark only guides the eye.
            let _ = root.toggle_attribute_with_force("data-dropping", on);
        }
    };
    let carries_files = |event: &DragEvent| {
        event
            .data_transfer()
            .is_some_and(|data| data.types().includes(&"Files".into(), 0))
    };
    let over = window_event_listener_untyped("dragover", move |event| {
        let event: DragEvent = event.unchecked_into();
        if carries_files(&event) {
            event.prevent_default();
            mark(true);
        }
    });
    let leave = window_event_listener_untyped("dragleave", move |event| {
        let event: DragEvent = event.unchecked_into();
        // Into the page's own parts there is a place that is entered.
        if event.related_target().is_none() {
            mark(false);
        }
    });
    let drop = window_event_listener_untyped("drop", move |event| {
        mark(false);
        let event: DragEvent = event.unchecked_into();
        if !carries_files(&event) {
            return;
        }
        event.prevent_default();
        if let Some(list) = event.data_transfer().and_then(|data| data.files()) {
            open(store, &list);
        }
    });
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
    });
}
