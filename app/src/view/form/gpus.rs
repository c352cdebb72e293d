//! The GPUs: from the catalogue, by hand, or live.

use crate::reactive::*;
use shared::gpu::{CARDS, Card, CardClass, Vendor};

use super::probe;
use super::problem::{invalid, problem};
use crate::browser::probe as driver;
use crate::number::parse_memory;
use crate::question::Field;
use crate::state::GpuChoice;
use crate::text::phrase;
use crate::view::Page;
use crate::view::dom::{Tag, maybe, tag, tag_of, value_of};
use crate::view::options::Options;

pub(super) fn gpus(page: Page) -> Tag {
    let store = page.store;
    let count = move || store.state.with(|state| state.gpus.len() as u64);
    let add = tag_of("button", "quiet")
        .set("type", "button")
        .hook("add-gpu")
        .on("click", move |_| {
            store.state.update(|state| {
                let last = state.gpus.last().cloned().unwrap_or_default();
                state.gpus.push(last);
            });
        })
        .with(page.text.add_gpu);
    tag_of("fieldset", "gpus")
        .with(tag_of("legend", "hidden").with(page.text.gpu))
        .with(probe::probe(page))
        .keyed(count, move |count| {
            let several = count > 1;
            (0..usize::try_from(count).unwrap_or(0))
                .map(|place| gpu(page, place, several).into())
                .collect()
        })
        .with(add)
}

/// The catalogue's groups, in the order that most people look.
const GROUPS: [CardClass; 5] = [
    CardClass::Desktop,
    CardClass::Laptop,
    CardClass::Workstation,
    CardClass::DataCenter,
    CardClass::Unified,
];

/// The options of the list. `name` is the one chosen while it is made.
fn cards(page: Page, name: &str) -> String {
    let text = page.text;
    let mut options = Options::default();
    options.option("", text.gpu_by_hand, name.is_empty());
    for class in GROUPS {
        let label = match class {
            CardClass::Desktop => text.cards_desktop,
            CardClass::Laptop => text.cards_laptop,
            CardClass::Workstation => text.cards_workstation,
            CardClass::DataCenter => text.cards_data_center,
            CardClass::Unified => text.cards_unified,
        };
        options.group(label, |options| {
            for card in CARDS.iter().filter(|card| card.class == class) {
                options.option(card.name, short_name(card.name), card.name == name);
            }
        });
    }
    options.html()
}

/// The card of the catalogue of this very name.
fn find(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.name == name)
}

/// The name without the series that all of its kind have.
fn short_name(name: &'static str) -> &'static str {
    name.strip_prefix("GeForce ").unwrap_or(name)
}

/// A hook for tests: the first GPU's has no number.
fn hook(name: &str, place: usize) -> String {
    if place == 0 {
        name.to_owned()
    } else {
        format!("{name}-{}", place + 1)
    }
}

fn gpu(page: Page, place: usize, several: bool) -> Tag {
    let text = page.text;
    let id = |name: &str| format!("{name}-{place}");
    let (select, free) = (id("gpu"), id("free"));
    let name = tag_of("p", "field")
        .with(tag("label").set("for", &select).with(text.gpu))
        .with(card(page, place).set("id", &select));
    let (help, wrong) = (id("free-help"), id("free-problem"));
    let entry = entry(page, place)
        .set("id", &free)
        .set("aria-describedby", &[&help, " ", &wrong].concat());
    let memory = tag_of("p", "field")
        .with(tag("label").set("for", &free).with(text.free))
        .with(entry)
        .with(reading(page, place).set("id", &help))
        .with(problem(page, Field::Free(place), &wrong));
    let foreign = move || {
        let is_foreign = read(page, place, |gpu| {
            find(&gpu.name).is_some_and(|card| card.vendor != Vendor::Nvidia)
        });
        maybe(is_foreign.then(|| tag_of("p", "note").with(text.foreign)))
    };
    let pair = tag_of("div", "gpu pair")
        .with(name)
        .with(memory)
        .slot(foreign);
    if !several {
        return pair;
    }
    pair.with(
        tag_of("button", "quiet remove")
            .set("type", "button")
            .set("aria-label", text.remove_gpu)
            .on("click", move |_| page.store.remove_gpu(place))
            .with("×"),
    )
}

/// Reads something off the GPU at this place.
fn read<T: Default>(page: Page, place: usize, read: impl FnOnce(&GpuChoice) -> T) -> T {
    page.store
        .state
        .with(|state| state.gpus.get(place).map(read).unwrap_or_default())
}

fn change(page: Page, place: usize, change: &dyn Fn(&mut GpuChoice)) {
    page.store.state.update(|state| {
        if let Some(gpu) = state.gpus.get_mut(place) {
            change(gpu);
        }
    });
}

fn card(page: Page, place: usize) -> Tag {
    // Made once: a list of a hundred cards is not made anew for each letter that is typed.
    let html = untrack(|| read(page, place, |gpu| cards(page, &gpu.name)));
    let name = move || read(page, place, |gpu| gpu.name.clone());
    tag("select")
        .hook(&hook("gpu-select", place))
        .html(move || html.clone())
        .chosen(name, |name| !name.is_empty() && find(name).is_none())
        .on("change", move |event| {
            let chosen = value_of(&event);
            let card = find(&chosen);
            driver::leave_trouble(page.store);
            change(page, place, &|gpu| match card {
                Some(card) => *gpu = GpuChoice::of_card(card),
                None => gpu.name.clone_from(&chosen),
            });
        })
}

fn entry(page: Page, place: usize) -> Tag {
    tag("input")
        .set("type", "text")
        .set("inputmode", "text")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .hook(&hook("free-vram-input", place))
        .attribute("aria-invalid", invalid(page, Field::Free(place)))
        .value(move || read(page, place, |gpu| gpu.free.clone()))
        .on("input", move |event| {
            let entered = value_of(&event);
            driver::leave_trouble(page.store);
            change(page, place, &|gpu| gpu.free.clone_from(&entered));
        })
}

/// What the entered memory was read as.
fn reading(page: Page, place: usize) -> Tag {
    // What a card of the catalogue has free is an estimate: the rule stands in the title.
    let estimated = move || {
        read(page, place, |gpu| {
            let card = find(&gpu.name)?;
            (*gpu == GpuChoice::of_card(card))
                .then(|| card.allocatable().basis.explanation(page.language))
        })
    };
    let words = move || {
        let mut words = read(page, place, |gpu| match parse_memory(&gpu.free) {
            Ok(bytes) => phrase::read_as(&gpu.free, bytes),
            Err(_) => String::new(),
        });
        if estimated().is_some() {
            words.push_str(&[" (", page.text.estimate, ")"].concat());
        }
        words
    };
    tag_of("span", "help")
        .attribute("title", move || estimated().unwrap_or_default())
        .words(words)
}
