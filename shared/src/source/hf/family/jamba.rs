//! Jamba: Mamba 1, attention in one layer of eight, experts in every second.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mamba, Mixture, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["jamba"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "jamba")?;
    let embedding = draft.embedding();
    let heads = Heads::read(fields)?;
    let mamba = Mamba {
        inner: fields
            .width_or("mamba_expand", 2)?
            .saturating_mul(embedding),
        state: fields.width_or("mamba_d_state", 16)?,
        step_rank: fields.automatic_width("mamba_dt_rank", embedding.div_ceil(16))?,
        conv_kernel: fields.width_or("mamba_d_conv", 4)?,
        norms: true,
        bias: fields.flag_or("mamba_proj_bias", false)?,
        conv_bias: fields.flag_or("mamba_conv_bias", true)?,
    };
    let length = fields.width("intermediate_size")?;
    let dense = Dense::gated(length);
    let experts = fields.count_or("num_experts", 1)?;
    let mixture = Mixture::new(experts, fields.count_or("num_experts_per_tok", 1)?, length);
    let attention = Every::read(fields, "attn_layer_period", 8, "attn_layer_offset", 4)?;
    let sparse = Every::read(fields, "expert_layer_period", 2, "expert_layer_offset", 1)?;
    for index in 0..fields.layers()? as u64 {
        let mixer: &dyn Part = if attention.has(index) { &heads } else { &mamba };
        let network: &dyn Part = if experts > 1 && sparse.has(index) {
            &mixture
        } else {
            &dense
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// The layers of one kind: one in each period.
struct Every {
    period: u64,
    offset: u64,
}

impl Every {
    fn read(
        fields: &Fields<'_>,
        period: &'static str,
        usual_period: u64,
        offset: &'static str,
        usual_offset: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            period: fields.count_or(period, usual_period)?.max(1),
            offset: fields.count_or(offset, usual_offset)?,
        })
    }

    fn has(&self, index: u64) -> bool {
        index % self.period == self.offset
    }
}
