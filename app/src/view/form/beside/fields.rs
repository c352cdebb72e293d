//! The fields of what runs beside the model.

use crate::reactive::*;

use super::picker::{kept, picker};
use crate::beside::Slot;
use crate::engines::{BACKENDS, BESIDE, PREDICTION, Setting};
use crate::question::Field;
use crate::state::{BesideChoice, ModelChoice, State};
use crate::view::Page;
use crate::view::combobox::{Combobox, combobox};
use crate::view::dom::{Piece, Tag, tag, tag_of};
use crate::view::form::help;
use crate::view::form::model::{Quant, quant_of, search};
use crate::view::form::problem::problem;
use crate::view::form::settings::engine_setting;

/// Settings of whatever drafts, and those of a draft model alone.
const DRAFTING: [&str; 3] = [
    "spec-draft-n-max",
    "cache-type-k-draft",
    "cache-type-v-draft",
];

pub(super) fn fields(page: Page) -> Tag {
    let store = page.store;
    let pick = |ja, en| page.language.pick(ja, en);
    let has_draft = move || store.state.with(|state| state.beside.draft.is_some());
    let predicts = move || {
        store
            .state
            .with(|state| state.settings.contains_key(PREDICTION.name))
    };
    let can_predict = move || {
        let outcome = store.outcome();
        let chosen = outcome.chosen.as_ref();
        let mut layers = chosen.iter().flat_map(|chosen| &chosen.model.layers);
        layers.any(|layer| layer.next_token_prediction)
    };
    let has_projector = move || store.state.with(|state| state.beside.projector.is_some());
    tag_of("div", "fields")
        .with(draft(page))
        .keyed(
            move || u64::from(has_draft()),
            move |has| only(has, || vec![draft_quant(page).into(), layers(page)]),
        )
        .keyed(
            move || u64::from(can_predict() || predicts()),
            move |can| only(can, || settings(page, &[PREDICTION.name])),
        )
        .keyed(
            move || u64::from(has_draft() || predicts()),
            move |drafts| only(drafts, || settings(page, &DRAFTING)),
        )
        .with(projector(page))
        .keyed(
            move || u64::from(has_projector()),
            move |has| only(has, || settings(page, &["no-mmproj-offload"])),
        )
        .with(adapters(page))
        .with(tag_of("p", "hint").with(pick(
            "ファイルは手元でヘッダーだけを読みます。リンクには名前しか入らないので、開いた人は同じファイルを選び直す必要があります。",
            "Only the headers of files are read, here. A link carries their names alone: who opens it has to choose the files again.",
        )))
}

/// Pieces where there is something to show.
fn only(is: u64, pieces: impl FnOnce() -> Vec<Piece>) -> Vec<Piece> {
    if is == 1 { pieces() } else { Vec::new() }
}

fn settings(page: Page, names: &[&str]) -> Vec<Piece> {
    let all = BACKENDS.iter().flat_map(|backend| backend.beside);
    let named = |setting: &&'static Setting| names.contains(&setting.name);
    all.filter(named)
        .map(|setting| engine_setting(page, setting).into())
        .collect()
}

fn layers(page: Page) -> Piece {
    let mut layers = settings(page, &["n-gpu-layers-draft"]);
    layers.pop().unwrap_or_else(|| "".into())
}

fn change(page: Page, change: impl Fn(&mut BesideChoice)) {
    page.store.state.update(|state| change(&mut state.beside));
}

/// A part with its name, which is no label of one field alone.
fn part(label: &str) -> Tag {
    tag_of("div", "field").with(tag_of("span", "label").with(label))
}

fn draft(page: Page) -> Tag {
    let pick = |ja, en| page.language.pick(ja, en);
    let name = combobox(
        page,
        Combobox {
            id: "draft",
            hook: "draft-input",
            placeholder: pick("なし(例: qwen3:0.6b)", "none (for example qwen3:0.6b)"),
            may_be_empty: true,
            field: Field::Draft,
            value: |page| {
                page.store
                    .state
                    .with(|state| state.beside.draft_name().to_owned())
            },
            search,
            choose: |page, name| {
                page.store
                    .outside
                    .update(|outside| outside.beside_reading = None);
                page.store.state.update(|state| choose(state, name));
            },
        },
    );
    tag_of("div", "field")
        .with(
            tag("label")
                .set("for", "draft")
                .with(pick("ドラフトモデル", "Draft model")),
        )
        .with(name)
        .with(problem(page, Field::Draft, "draft-problem"))
        .with(picker(page, Slot::Draft, "draft-file", "draft-help"))
        .with(help(
            "draft-help",
            pick(
                "先読みする小さなモデルです。名前か、GGUF・config.json で選びます。語彙が同じモデルに限ります。",
                "A small model that drafts tokens, by name or as a GGUF or config.json. It needs the vocabulary of the model.",
            ),
        ))
}

fn choose(state: &mut State, name: String) {
    let is_none = name.is_empty();
    state.beside.draft = (!is_none).then_some(ModelChoice::Named(name));
    state.beside.draft_quant.clear();
    if is_none {
        // Its numbers go with it, and those of other things stay.
        let drafts = state.settings.contains_key(PREDICTION.name);
        state.settings.retain(|name, _| {
            let is_shared = DRAFTING.contains(&name.as_str());
            !BESIDE.contains(&name.as_str())
                || is_shared && drafts
                || name == PREDICTION.name
                || name == "no-mmproj-offload"
        });
    }
}

fn draft_quant(page: Page) -> Tag {
    quant_of(
        page,
        Quant {
            id: "draft-quant",
            hook: "draft-quant-select",
            label: page
                .language
                .pick("ドラフトの重みの形式", "Weights of the draft model"),
            field: Field::DraftQuant,
            formats: |outcome| {
                let draft = outcome.beside.draft.as_ref()?;
                Some(draft.as_ref().ok()?.formats.clone())
            },
            set: |state, name| state.beside.draft_quant = name,
        },
    )
}

fn projector(page: Page) -> Tag {
    let pick = |ja, en| page.language.pick(ja, en);
    let kept = move || {
        let file = page
            .store
            .state
            .with(|state| state.beside.projector.clone());
        let name = file.as_deref();
        let remove = move || change(page, |beside| beside.projector = None);
        name.map(|name| kept(page, name, remove))
            .into_iter()
            .collect()
    };
    part(pick("画像・音声(mmproj)", "Images and sound (mmproj)"))
        .slot(kept)
        .with(problem(page, Field::Projector, "projector-problem"))
        .with(picker(
            page,
            Slot::Projector,
            "projector-file",
            "projector-help",
        ))
        .with(help(
            "projector-help",
            pick(
                "モデルとともに配布される mmproj-….gguf です。",
                "The mmproj-….gguf that comes with the model.",
            ),
        ))
}

fn adapters(page: Page) -> Tag {
    let pick = |ja, en| page.language.pick(ja, en);
    let kept = move || {
        let files = page.store.state.with(|state| state.beside.adapters.clone());
        let lines = files.into_iter().map(|file| {
            let name = file.clone();
            kept(page, &name, move || {
                change(page, |beside| beside.adapters.retain(|name| *name != file));
            })
        });
        lines.collect()
    };
    part("LoRA")
        .slot(kept)
        .with(problem(page, Field::Adapters, "adapters-problem"))
        .with(picker(
            page,
            Slot::Adapters,
            "adapters-file",
            "adapters-help",
        ))
        .with(help(
            "adapters-help",
            pick(
                "GGUF に変換したアダプターです。いくつでも加えられます。",
                "Adapters converted to GGUF, as many as you like.",
            ),
        ))
}
