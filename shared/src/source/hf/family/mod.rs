//! Families of models: how each puts its blocks together.

mod bailing;
mod cohere;
mod deepseek;
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
mod lfm2;
mod llama;
mod llama4;
mod mamba;
mod mimo;
mod minimax;
mod nemotron_h;
mod olmo;
mod phi;
mod qwen2;
mod qwen3;
mod qwen3_next;
mod recent;
mod seed_oss;
mod stablelm;
mod starcoder2;

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
    early::FAMILIES,
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
    lfm2::FAMILIES,
    llama::FAMILIES,
    llama4::FAMILIES,
    mamba::FAMILIES,
    mimo::FAMILIES,
    minimax::FAMILIES,
    nemotron_h::FAMILIES,
    olmo::FAMILIES,
    phi::FAMILIES,
    qwen2::FAMILIES,
    qwen3::FAMILIES,
    qwen3_next::FAMILIES,
    recent::FAMILIES,
    seed_oss::FAMILIES,
    stablelm::FAMILIES,
    starcoder2::FAMILIES,
];

/// The family of a `model_type`.
pub(super) fn find(model_type: &str) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .copied()
        .flatten()
        .find(|family| family.model_types.contains(&model_type))
}

/// Every `model_type` that is read.
pub(super) fn model_types() -> impl Iterator<Item = &'static str> {
    FAMILIES
        .iter()
        .copied()
        .flatten()
        .flat_map(|family| family.model_types)
        .copied()
}
