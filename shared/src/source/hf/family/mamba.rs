//! Mamba 1 and 2 without attention.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Mamba, Mamba2, Norm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["mamba", "falcon_mamba"],
        nested_defaults: &[],
        build: mamba,
    },
    Family {
        model_types: &["mamba2"],
        nested_defaults: &[],
        build: mamba2,
    },
];

fn draft(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let multiple = fields.count_or("pad_vocab_size_multiple", 1)?.max(1);
    let vocabulary = fields.width("vocab_size")?.next_multiple_of(multiple);
    Draft::with_vocabulary(fields, architecture, vocabulary)
}

fn mamba(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = draft(fields, "mamba")?;
    let embedding = draft.embedding();
    let expanded = fields.width_or("expand", 2)?.saturating_mul(embedding);
    let mamba = Mamba {
        inner: fields.width_or("intermediate_size", expanded)?,
        state: fields.width_or("state_size", 16)?,
        step_rank: fields.automatic_width("time_step_rank", embedding.div_ceil(16))?,
        conv_kernel: fields.width_or("conv_kernel", 4)?,
        norms: false,
        bias: fields.flag_or("use_bias", false)?,
        conv_bias: fields.flag_or("use_conv_bias", true)?,
    };
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::rms("attn_norm"), &mamba]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn mamba2(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = draft(fields, "mamba2")?;
    let expand = fields.width_or("expand", 2)?;
    let inner = expand.saturating_mul(draft.embedding());
    let head_dim = fields.width_or("head_dim", 64)?;
    let mamba = Mamba2 {
        inner,
        state: fields.width_or("state_size", 128)?,
        groups: fields.count_or("n_groups", 1)?.max(1),
        heads: fields.width_or("num_heads", inner / head_dim)?.max(1),
        conv_kernel: fields.width_or("conv_kernel", 4)?,
        conv_bias: fields.flag_or("use_conv_bias", true)?,
        norm: fields.flag_or("rms_norm", true)?,
        bias: fields.flag_or("use_bias", false)?,
    };
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::rms("attn_norm"), &mamba]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}
