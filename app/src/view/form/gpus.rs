//! The GPUs: from the catalogue, by hand, or live.

use leptos::prelude::*;
use shared::gpu::CARDS;

use super::problem::{invalid, problem};
use crate::number::parse_memory;
use crate::question::Field;
use crate::state::GpuChoice;
use crate::text::phrase;
use crate::view::Page;

pub(super) fn gpus(page: Page) -> impl IntoView {
    let store = page.store;
    let count = store.part(|state| state.gpus.len());
    view! {
        <fieldset class="gpus">
            <legend class="hidden">{page.text.gpu}</legend>
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
        gpu.with(|gpu| parse_memory(&gpu.free).ok())
            .map(|bytes| phrase::read_as(page.language, bytes))
    };
    let options = move || {
        let name = name.get();
        let unknown = !name.is_empty() && !CARDS.iter().any(|card| card.name == name);
        view! {
            <option value="" selected=name.is_empty()>{text.gpu_by_hand}</option>
            {unknown.then(|| view! { <option value=name.clone() selected=true>{name.clone()}</option> })}
            {CARDS
                .iter()
                .map(|card| {
                    view! {
                        <option value=card.name selected=card.name == name>{card.name}</option>
                    }
                })
                .collect_view()}
        }
    };
    view! {
        <div class="gpu pair">
            <p class="field">
                <label for=select_id.clone()>{text.gpu}</label>
                <select
                    id=select_id
                    data-testid=hook("gpu-select", place)
                    on:change:target=move |event| {
                        let chosen = event.target().value();
                        change(&|gpu| gpu.name.clone_from(&chosen));
                    }
                >
                    {options}
                </select>
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
                <span class="help" id=help_id>{read_as}</span>
                {problem(page, field, problem_id)}
            </p>
            {(place > 0)
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="quiet remove"
                            aria-label=text.remove_gpu
                            on:click=move |_| {
                                store
                                    .state
                                    .update(|state| {
                                        if place < state.gpus.len() {
                                            state.gpus.remove(place);
                                        }
                                    });
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
