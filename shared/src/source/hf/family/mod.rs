//! Families of models: how each puts its blocks together.

mod bailing;
mod cohere;
mod deepseek;
mod deepseek4;
mod delta_hybrids;
mod early;
mod ernie;
mod exaone;
mod falcon_h1;
mod first_decoders;
mod gemma;
mod gemma3n;
mod gemma4;
mod glm;
mod gpt_neox;
mod gpt_oss;
mod granite;
mod hunyuan;
mod jamba;
mod kimi_linear;
mod latent_hybrids;
mod lfm2;
mod llama;
mod llama4;
mod mamba;
mod mimo;
mod minimax;
mod mistral_large4;
mod mllama;
mod nemotron_h;
mod older;
mod olmo;
mod phi;
mod qwen2;
mod qwen3;
mod qwen3_next;
mod recent;
mod recipe;
mod seed_oss;
mod singular;
mod stablelm;
mod starcoder2;
mod zamba;

use self::recipe::Recipe;
use super::draft::Draft;
use super::{ConfigError, Fields};

/// Models that are put together in the same way.
pub(super) struct Family {
    /// The `model_type`s that it reads.
    pub model_types: &'static [&'static str],
    /// The class defaults that sparse nested configurations rely on.
    pub nested_defaults: &'static [(&'static str, u64)],
    /// Puts the model together.
    pub build: fn(&Fields<'_>) -> Result<Draft, ConfigError>,
}

/// Every family that is known.
const FAMILIES: &[&[Family]] = &[
    bailing::FAMILIES,
    cohere::FAMILIES,
    deepseek::FAMILIES,
    deepseek4::FAMILIES,
    early::FAMILIES,
    delta_hybrids::FAMILIES,
    ernie::FAMILIES,
    exaone::FAMILIES,
    falcon_h1::FAMILIES,
    first_decoders::FAMILIES,
    gemma::FAMILIES,
    gemma3n::FAMILIES,
    gemma4::FAMILIES,
    glm::FAMILIES,
    gpt_neox::FAMILIES,
    gpt_oss::FAMILIES,
    granite::FAMILIES,
    hunyuan::FAMILIES,
    jamba::FAMILIES,
    kimi_linear::FAMILIES,
    latent_hybrids::FAMILIES,
    lfm2::FAMILIES,
    llama::FAMILIES,
    llama4::FAMILIES,
    mamba::FAMILIES,
    mimo::FAMILIES,
    mistral_large4::FAMILIES,
    minimax::FAMILIES,
    mllama::FAMILIES,
    nemotron_h::FAMILIES,
    older::FAMILIES,
    olmo::FAMILIES,
    phi::FAMILIES,
    qwen2::FAMILIES,
    qwen3::FAMILIES,
    qwen3_next::FAMILIES,
    seed_oss::FAMILIES,
    singular::FAMILIES,
    stablelm::FAMILIES,
    starcoder2::FAMILIES,
    zamba::FAMILIES,
];

/// Every decoder of plain parts.
const RECIPES: &[&[Recipe]] = &[recent::RECIPES];

/// How the models of a `model_type` are put together.
pub(super) enum Found {
    Family(&'static Family),
    Recipe(&'static Recipe),
}

impl Found {
    /// The class defaults that sparse nested configurations rely on.
    pub(super) fn nested_defaults(&self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Family(family) => family.nested_defaults,
            Self::Recipe(recipe) => recipe.nested_defaults,
        }
    }

    /// Puts the model together.
    pub(super) fn build(&self, fields: &Fields<'_>) -> Result<Draft, ConfigError> {
        match self {
            Self::Family(family) => (family.build)(fields),
            Self::Recipe(recipe) => recipe::build(fields, recipe),
        }
    }
}

/// The family of a `model_type`.
pub(super) fn find(model_type: &str) -> Option<Found> {
    let families = FAMILIES.iter().copied().flatten();
    let recipes = RECIPES.iter().copied().flatten();
    families
        .map(|family| (family.model_types, Found::Family(family)))
        .chain(recipes.map(|recipe| (recipe.model_types, Found::Recipe(recipe))))
        .find(|(model_types, _)| model_types.contains(&model_type))
        .map(|(_, found)| found)
}

/// Every `model_type` that is read.
pub(super) fn model_types() -> impl Iterator<Item = &'static str> {
    let families = FAMILIES.iter().copied().flatten();
    let recipes = RECIPES.iter().copied().flatten();
    families
        .map(|family| family.model_types)
        .chain(recipes.map(|recipe| recipe.model_types))
        .flatten()
        .copied()
}
