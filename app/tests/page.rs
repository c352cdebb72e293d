//! The page's components, mounted in a real browser.

#![cfg(target_arch = "wasm32")]
// Clippy takes the helpers of a test for code of the page.
#![allow(clippy::unwrap_used, clippy::panic)]

use any_spawner::Executor;
use app::mount;
use app::question::Field;
use app::reactive::*;
use app::state::{State, from_query, to_query};
use app::store::{Live, Store};
use shared::gpu::GpuReport;
use shared::text::Language;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, Event, EventInit, HtmlElement, HtmlInputElement, HtmlSelectElement};

wasm_bindgen_test_configure!(run_in_browser);

/// A page of its own, gone at the end of the test.
struct Mounted {
    store: Store,
    place: HtmlElement,
    owner: Owner,
}

fn mounted(state: State, language: Language) -> Mounted {
    let place: HtmlElement = document()
        .create_element("section")
        .unwrap()
        .unchecked_into();
    document().body().unwrap().append_child(&place).unwrap();
    // Fails only where another test has started it.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let store = owner.with(|| {
        let store = Store::new(state, language);
        mount(place.clone().into(), store);
        store
    });
    Mounted {
        store,
        place,
        owner,
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.owner.cleanup();
        self.place.remove();
    }
}

impl Mounted {
    fn find(&self, selector: &str) -> Element {
        self.place
            .query_selector(selector)
            .unwrap()
            .unwrap_or_else(|| panic!("no {selector}"))
    }

    fn hook(&self, name: &str) -> Element {
        self.find(&format!("[data-testid='{name}']"))
    }

    fn text(&self, name: &str) -> String {
        self.hook(name).text_content().unwrap_or_default()
    }

    async fn enter(&self, name: &str, text: &str) {
        let input: HtmlInputElement = self.hook(name).unchecked_into();
        input.set_value(text);
        send(&input, "input");
        Executor::tick().await;
    }

    async fn select(&self, name: &str, value: &str) {
        let select: HtmlSelectElement = self.hook(name).unchecked_into();
        select.set_value(value);
        send(&select, "change");
        Executor::tick().await;
    }
}

fn send(element: &Element, name: &str) {
    let options = EventInit::new();
    options.set_bubbles(true);
    let event = Event::new_with_event_init_dict(name, &options).unwrap();
    element.dispatch_event(&event).unwrap();
}

/// Waits until the page shows what is expected, and not for ever.
async fn until(is_there: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_there() {
            return;
        }
        let later = js_sys::Promise::new(&mut |resolve, _| {
            window()
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 20)
                .unwrap();
        });
        wasm_bindgen_futures::JsFuture::from(later).await.unwrap();
    }
    panic!("the page did not come to show what was expected");
}

#[wasm_bindgen_test]
async fn the_answer_follows_the_free_memory() {
    let page = mounted(State::default(), Language::En);
    let before = page.text("max-context-fp16");
    page.enter("free-vram-input", "12 GiB").await;
    let after = page.text("max-context-fp16");
    assert_ne!(before, after);
    assert!(page.find("h1").text_content().unwrap().contains(&after));
    assert!(page.find("h1").text_content().unwrap().contains("12 GiB"));
}

#[wasm_bindgen_test]
async fn what_is_wrong_stays_where_it_was_typed() {
    let page = mounted(State::default(), Language::En);
    let before = page.text("max-context-int8");
    page.enter("free-vram-input", "a lot").await;
    let input: HtmlInputElement = page.hook("free-vram-input").unchecked_into();
    assert_eq!(input.value(), "a lot");
    assert_eq!(input.get_attribute("aria-invalid").as_deref(), Some("true"));
    assert!(page.store.problem(Field::Free(0)).is_some());
    assert_eq!(page.text("max-context-int8"), before);
    assert!(page.find(".readings").class_list().contains("previous"));
    page.enter("free-vram-input", "24GB").await;
    assert!(!page.find(".readings").class_list().contains("previous"));
}

#[wasm_bindgen_test]
async fn a_card_brings_its_memory() {
    let page = mounted(State::default(), Language::Ja);
    page.select("gpu-select", "GeForce RTX 3090").await;
    let input: HtmlInputElement = page.hook("free-vram-input").unchecked_into();
    assert_eq!(input.value(), "24,076 MiB");
}

#[wasm_bindgen_test]
async fn the_address_restores_the_page() {
    let first = mounted(State::default(), Language::Ja);
    first.select("quant-select", "Q6_K").await;
    first.enter("free-vram-input", "１６ＧＢ").await;
    let query = first.store.state.with_untracked(to_query);
    let told = first.text("max-context-fp16");
    drop(first);
    let second = mounted(from_query(&query), Language::En);
    Executor::tick().await;
    assert_eq!(second.text("max-context-fp16"), told);
    let select: HtmlSelectElement = second.hook("quant-select").unchecked_into();
    assert_eq!(select.value(), "Q6_K");
}

#[wasm_bindgen_test]
async fn the_language_changes_every_text_and_no_number() {
    let page = mounted(State::default(), Language::Ja);
    let numeral = page.text("max-context-int4");
    assert_eq!(page.text("limited-by"), "モデルの学習時の上限");
    page.store.language.set(Language::En);
    Executor::tick().await;
    assert_eq!(page.text("max-context-int4"), numeral);
    assert_eq!(
        page.text("limited-by"),
        "the context the model was trained for"
    );
    let words = page.place.text_content().unwrap();
    let japanese = words
        .chars()
        .filter(|letter| ('\u{3040}'..='\u{30ff}').contains(letter));
    assert_eq!(japanese.collect::<String>(), "");
}

#[wasm_bindgen_test]
async fn readings_fill_the_form_until_it_is_edited() {
    let page = mounted(State::default(), Language::En);
    let report = |free: u64| {
        let json = format!(
            r#"{{"schema":1,"probe":"0","gpus":[{{"index":0,"name":"NVIDIA L4","free":{free}}}]}}"#
        );
        GpuReport::from_json(json.as_bytes()).unwrap()
    };
    page.store.take_reading(&report(20 << 30), false);
    let value = || {
        let input: HtmlInputElement = page.hook("free-vram-input").unchecked_into();
        input.value()
    };
    until(|| value() == "20,480 MiB").await;
    page.store.take_reading(&report(10 << 30), false);
    until(|| value() == "10,240 MiB").await;
    page.enter("free-vram-input", "8 GiB").await;
    page.store.take_reading(&report(15 << 30), false);
    Executor::tick().await;
    assert_eq!(value(), "8 GiB");
    let outside = page.store.outside.get_untracked();
    assert!(matches!(outside.live, Live::On { .. }));
}

#[wasm_bindgen_test]
async fn a_way_out_leads_out() {
    let state = from_query("model=llama3.1:8b&quant=F16&free=12+GiB");
    let page = mounted(state, Language::En);
    assert_eq!(page.text("max-context-fp16"), "0");
    let button: HtmlElement = page.find(".ways-out button").unchecked_into();
    button.click();
    until(|| page.place.query_selector(".ways-out").unwrap().is_none()).await;
    assert_ne!(page.text("max-context-fp16"), "0");
}

#[wasm_bindgen_test]
async fn the_bar_is_to_the_scale_of_the_memory_there_is() {
    let page = mounted(from_query("model=qwen3:8b&free=20+GiB"), Language::En);
    // The parts and the end of the memory.
    assert!(page.find(".track").child_element_count() >= 5);
    let end: HtmlElement = page.find(".track .end").unchecked_into();
    assert_eq!(end.style().get_property_value("width").unwrap(), "100%");
    page.enter("free-vram-input", "3 GiB").await;
    let end: HtmlElement = page.find(".track .end").unchecked_into();
    assert_ne!(end.style().get_property_value("width").unwrap(), "100%");
    assert!(page.find(".bar").class_list().contains("over"));
}
