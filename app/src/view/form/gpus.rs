//! The GPUs: from the catalogue, by hand, or live.

use leptos::prelude::*;
use shared::gpu::{CARDS, CardClass};

use super::probe;
use super::problem::{invalid, problem};
use crate::number::parse_memory;
use crate::question::Field;
use crate::state::GpuChoice;
use crate::text::phrase;
use crate::view::Page;
use crate::view::options::Options;

pub(super) fn gpus(page: Page) -> impl IntoView {
    let store = page.store;
    let count = store.part(|state| state.gpus.len());
    view! {
        <fieldset class="gpus">
            <legend class="hidden">{page.text.gpu}</legend>
            {probe::probe(page)}
            {move || (0..count.get()).map(|place| gpu(page, place)).collect_view()}
            <button
                type="button"
                class="quiet"
                data-testid="add-gpu"
                on:click=move |_| {
                    store
                        .state
                        .update(|state| {
                            let last = state.gpus.last().cloned().unwrap_or_default();
                            state.gpus.push(last);
                        });
                }
            >
                {page.text.add_gpu}
            </button>
        </fieldset>
    }
}

/// The catalogue's groups, in the order that most people look.
const GROUPS: [CardClass; 5] = [
    CardClass::Desktop,
    CardClass::Laptop,
    CardClass::Workstation,
    CardClass::DataCenter,
    CardClass::Unified,
];

fn cards(page: Page, name: &str) -> String {
    let text = page.text;
    let mut options = Options::default();
    options.option("", text.gpu_by_hand, name.is_empty());
    if !name.is_empty() && !CARDS.iter().any(|card| card.name == name) {
        options.option(name, name, true);
    }
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

fn gpu(page: Page, place: usize) -> AnyView {
    let store = page.store;
    let text = page.text;
    let gpu = store.part(move |state| state.gpus.get(place).cloned().unwrap_or_default());
    let name = Memo::new(move |_| gpu.with(|gpu| gpu.name.clone()));
    let change = move |change: &dyn Fn(&mut GpuChoice)| {
        store.state.update(|state| {
            if let Some(gpu) = state.gpus.get_mut(place) {
                change(gpu);
            }
        });
    };
    let field = Field::Free(place);
    let free_id = format!("free-{place}");
    let select_id = format!("gpu-{place}");
    let help_id = format!("free-help-{place}");
    let problem_id = format!("free-problem-{place}");
    let described = format!("{help_id} {problem_id}");
    let read_as = move || {
        gpu.with(|gpu| {
            let bytes = parse_memory(&gpu.free).ok()?;
            Some(phrase::read_as(&gpu.free, bytes))
        })
    };
    // What a card of the catalogue has free is an estimate: the rule stands under the field.
    let estimated = move || {
        gpu.with(|gpu| {
            let card = CARDS.iter().find(|card| card.name == gpu.name)?;
            (*gpu == GpuChoice::of_card(card))
                .then(|| card.allocatable().basis.explanation(page.language))
        })
    };
    let options = move || name.with(|name| cards(page, name));
    view! {
        <div class="gpu pair">
            <p class="field">
                <label for=select_id.clone()>{text.gpu}</label>
                <select
                    id=select_id
                    data-testid=hook("gpu-select", place)
                    inner_html=options
                    on:change:target=move |event| {
                        let chosen = event.target().value();
                        let card = CARDS.iter().find(|card| card.name == chosen);
                        change(&|gpu| match card {
                            Some(card) => *gpu = GpuChoice::of_card(card),
                            None => gpu.name.clone_from(&chosen),
                        });
                    }
                ></select>
            </p>
            <p class="field">
                <label for=free_id.clone()>{text.free}</label>
                <input
                    id=free_id
                    type="text"
                    inputmode="text"
                    autocomplete="off"
                    spellcheck="false"
                    data-testid=hook("free-vram-input", place)
                    aria-invalid=invalid(page, field)
                    aria-describedby=described
                    prop:value=move || gpu.with(|gpu| gpu.free.clone())
                    on:input:target=move |event| {
                        let entered = event.target().value();
                        change(&|gpu| gpu.free.clone_from(&entered));
                    }
                />
                <span class="help" id=help_id title=estimated>
                    {read_as}
                    {move || estimated().map(|_| format!(" ({})", text.estimate))}
                </span>
                {problem(page, field, problem_id)}
            </p>
            {(store.state.with_untracked(|state| state.gpus.len()) > 1)
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="quiet remove"
                            aria-label=text.remove_gpu
                            on:click=move |_| {
                                store.remove_gpu(place);
                            }
                        >
                            "×"
                        </button>
                    }
                })}
        </div>
    }
    .into_any()
}
