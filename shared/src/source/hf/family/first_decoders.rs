//! BLOOM, MPT, DBRX and MiniMax-01: decoders whose configurations have names of their own.

use super::Family;
use crate::model::RecurrentState;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["bloom"],
        nested_defaults: &[],
        build: bloom,
    },
    Family {
        model_types: &["mpt"],
        nested_defaults: &[],
        build: mpt,
    },
    Family {
        model_types: &["dbrx"],
        nested_defaults: &[],
        build: dbrx,
    },
    Family {
        model_types: &["minimax", "minimax_text_01", "minimax_m1"],
        nested_defaults: &[],
        build: minimax,
    },
];

/// The network is four times as wide as the stream, and the embedding has a norm.
fn bloom(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "bloom")?;
    let embedding = draft.embedding();
    let heads = Heads {
        fused: true,
        input_bias: true,
        output_bias: true,
        ..Heads::read(fields)?
    };
    let network = Dense::plain(embedding.saturating_mul(4), true);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    draft.tensor("token_embd_norm.weight", &[embedding]);
    draft.tensor("token_embd_norm.bias", &[embedding]);
    draft.output_with_layer_norm(fields.tied(true)?);
    Ok(draft)
}

fn mpt(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "mpt")?;
    let bias = !fields.flag_or("no_bias", true)?;
    let heads = Heads {
        fused: true,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let ratio = fields.count_or("expansion_ratio", 4)?;
    let network = Dense::plain(draft.embedding().saturating_mul(ratio), bias);
    let norms = match bias {
        true => [Norm::layer("attn_norm"), Norm::layer("ffn_norm")],
        false => [Norm::rms("attn_norm"), Norm::rms("ffn_norm")],
    };
    for _ in 0..fields.layers()? {
        draft.block(&[&norms[0], &heads, &norms[1], &network]);
    }
    let tied = fields.tied(true)?;
    match bias {
        true => draft.output_with_layer_norm(tied),
        false => draft.output(tied),
    }
    Ok(draft)
}

fn dbrx(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "dbrx")?;
    let missing = |field| ConfigError::MissingField { field };
    let attention = fields.inner("attn_config").ok_or(missing("attn_config"))?;
    let network = fields.inner("ffn_config").ok_or(missing("ffn_config"))?;
    let heads = Heads {
        kv_heads: attention.count("kv_n_heads")?,
        fused: true,
        ..Heads::read(fields)?
    };
    let mixture = Mixture::new(
        network.count("moe_num_experts")?,
        network.count("moe_top_k")?,
        network.width("ffn_hidden_size")?,
    );
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("attn_output_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Lightning attention, and full attention in every eighth layer.
fn minimax(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "minimax-01")?;
    let heads = Heads::read(fields)?;
    let lightning = Lightning {
        heads: heads.query_heads,
        head_dim: heads.key_dim,
    };
    let mixture = Mixture::new(
        fields.count("num_local_experts")?,
        fields.count("num_experts_per_tok")?,
        fields.width("intermediate_size")?,
    );
    let layers = fields.layers()?;
    let words = fields.texts("layer_types", layers)?;
    let marks = fields.integers("attn_type_list", layers)?;
    for index in 0..layers {
        let attends = match (&words, &marks) {
            (Some(words), _) => words.get(index) == Some(&"full_attention"),
            (None, Some(marks)) => marks.get(index) == Some(&1),
            (None, None) => (index as u64 + 1).is_multiple_of(8),
        };
        let mixer: &dyn Part = if attends { &heads } else { &lightning };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Lightning attention: a square state per head, and a gate over the output.
struct Lightning {
    heads: u64,
    head_dim: u64,
}

impl Part for Lightning {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let width = self.heads.saturating_mul(self.head_dim);
        block.linear("attn_qkv", embedding, width.saturating_mul(3), false);
        block.linear("attn_gate", embedding, width, false);
        block.linear("attn_output", width, embedding, false);
        block.tensor("ssm_norm.weight", &[width]);
        block.layer.recurrent = Some(RecurrentState::Lightning {
            heads: self.heads,
            head_dim: self.head_dim,
        });
    }
}
