//! What to change where nothing fits, each a button that does it.

use leptos::prelude::*;

use super::Page;
use super::answer::focus_label;
use crate::text::phrase;
use crate::ways_out::{Change, WayOut, ways_out as find};

pub(super) fn ways_out(page: Page) -> impl IntoView {
    let store = page.store;
    let focus = store.part(|state| state.focus);
    let answers = store.later();
    let ways: Memo<Option<Vec<WayOut>>> = Memo::new(move |_| {
        let focus = focus.get();
        answers.with(|answers| {
            let answers = answers.as_ref().filter(|answers| answers.fails(focus))?;
            let choice = store.state.with_untracked(|state| state.model.clone());
            Some(store.loaded.with_untracked(|loaded| {
                find(&answers.question, focus, &choice, loaded.as_deref())
            }))
        })
    });
    move || {
        ways.get().map(|ways| {
            let nothing = ways
                .is_empty()
                .then(|| view! { <p>{page.text.nothing_helps}</p> });
            view! {
                <section class="ways-out" data-testid="ways-out">
                    <h2>{page.text.ways_out}</h2>
                    {nothing}
                    <ul>{ways.into_iter().map(|way| button(page, way)).collect_view()}</ul>
                </section>
            }
        })
    }
}

fn button(page: Page, way: WayOut) -> impl IntoView {
    let language = page.language;
    let label = match &way.change {
        Change::Focus(focus) => {
            phrase::change_to(language, page.text.kv_cache, focus_label(page, *focus))
        }
        Change::Quant(format) => phrase::change_to(language, page.text.quant, format.name()),
        Change::Setting(setting, value) => {
            let label = language.pick(setting.label.0, setting.label.1);
            phrase::change_to(language, label, value)
        }
    };
    let result = phrase::leads_to(language, way.context);
    let apply = move |_| page.store.state.update(|state| way.change.apply(state));
    view! {
        <li>
            <button type="button" on:click=apply>
                <span>{label}</span>
                " "
                <span class="result">{result}</span>
            </button>
        </li>
    }
}
