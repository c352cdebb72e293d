//! From the program that the page opens with to the whole one.
//!
//! The whole program starts from the address, as every page does. What the address cannot carry,
//! the first program leaves at the window as an errand; it lets go of the page when the whole one
//! says that it is there.

use crate::reactive::*;
use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, File, HtmlElement};

use super::{address, files, probe};
use crate::state::{State, to_query};
use crate::store::Store;

/// The event of the whole program's arrival.
const ARRIVAL: &str = "llm-lander-whole";
/// The window's property with the errand.
const ERRAND: &str = "llmLanderErrand";
/// Where the script of the whole program is named.
const NAMED: &str = "script[data-whole]";

/// Asks the whole program what this one does not know.
pub fn ask(state: &State) {
    address::write(&to_query(state));
    call();
}

/// Lets the whole program read files.
#[cfg(not(feature = "whole"))]
pub(super) fn read(store: Store, files: Vec<File>) {
    leave("files", &files.into_iter().collect::<Array>());
    address::write(&store.state.with_untracked(to_query));
    call();
}

/// Lets the whole program open the part of the page of this identifier.
#[cfg(not(feature = "whole"))]
pub fn open(store: Store, id: &str) {
    leave("open", &JsValue::from_str(id));
    address::write(&store.state.with_untracked(to_query));
    call();
}

/// Starts the whole program; it then takes over.
pub(super) fn call() {
    leave("connect", &JsValue::from_bool(probe::was_asked_for()));
    let document = document();
    let named = document.query_selector(NAMED).ok().flatten();
    let Some(path) = named.and_then(|script| script.get_attribute("data-whole")) else {
        return;
    };
    let (Ok(script), Some(head)) = (document.create_element("script"), document.head()) else {
        return;
    };
    let _ = script.set_attribute("type", "module");
    let _ = script.set_attribute("src", &path);
    let _ = head.append_child(&script);
}

/// Leaves something at the window for the whole program.
fn leave(name: &str, value: &JsValue) {
    let key = JsValue::from_str(ERRAND);
    let window = window();
    let errand = Reflect::get(&window, &key)
        .ok()
        .filter(JsValue::is_object)
        .unwrap_or_else(|| js_sys::Object::new().into());
    let _ = Reflect::set(&errand, &JsValue::from_str(name), value);
    let _ = Reflect::set(&window, &key, &errand);
}

/// What the first program left to do.
pub(super) struct Errand {
    files: Vec<File>,
    connect: bool,
    /// Identifier of the element that had the focus.
    focus: String,
    /// Identifier of what was being opened.
    open: String,
}

impl Errand {
    pub(super) fn run(self, store: Store) {
        if let Some(details) = document().get_element_by_id(&self.open) {
            let _ = details.set_attribute("open", "");
        }
        let element = document().get_element_by_id(&self.focus);
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
        files::read(store, self.files);
        if self.connect {
            probe::connect(store);
        }
    }
}

/// Sends the program before this one away; gives what it left to do.
pub(super) fn take_over() -> Option<Errand> {
    let key = JsValue::from_str(ERRAND);
    let window = window();
    let left = Reflect::get(&window, &key)
        .ok()
        .filter(JsValue::is_object)?;
    let _ = Reflect::delete_property(&window, &key);
    let part = |name| Reflect::get(&left, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    let active = document().active_element();
    let errand = Errand {
        files: part("files")
            .dyn_into::<Array>()
            .map(|files| files.iter().map(JsCast::unchecked_into).collect())
            .unwrap_or_default(),
        connect: part("connect").is_truthy(),
        open: part("open").as_string().unwrap_or_default(),
        focus: active.map(|element| element.id()).unwrap_or_default(),
    };
    if let Ok(event) = Event::new(ARRIVAL) {
        let _ = document().dispatch_event(&event);
    }
    Some(errand)
}

/// Keeps the page until the whole program arrives, or for as long as its document lives.
pub(super) fn offer(owner: Owner) {
    if cfg!(feature = "whole") {
        std::mem::forget(owner);
        return;
    }
    let leave = wasm_bindgen::closure::Closure::once_into_js(move || {
        probe::release();
        owner.cleanup();
    });
    let _ = document().add_event_listener_with_callback(ARRIVAL, leave.unchecked_ref());
}
