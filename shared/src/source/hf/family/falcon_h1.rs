//! Falcon-H1: attention and Mamba 2 side by side in every block.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mamba2, Norm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["falcon_h1"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "falcon-h1")?;
    let heads = Heads::read(fields)?;
    let expanded = fields
        .width_or("mamba_expand", 2)?
        .saturating_mul(draft.embedding());
    let mamba = Mamba2 {
        inner: fields.width_or("mamba_d_ssm", expanded)?,
        state: fields.width("mamba_d_state")?,
        groups: fields.count("mamba_n_groups")?,
        heads: fields.count("mamba_n_heads")?,
        conv_kernel: fields.width("mamba_d_conv")?,
        conv_bias: fields.flag_or("mamba_conv_bias", true)?,
        norm: fields.flag_or("mamba_rms_norm", true)?,
        bias: fields.flag_or("mamba_proj_bias", false)?,
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &mamba,
            &Norm::without_suffix("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
