//! Decoders from before Llama with layer norms and biases: GPT-J, CodeGen, GPT-Neo, OPT, BioGPT,
//! XGLM, Persimmon and Fuyu, Phi-3-small.
//!
//! Source: the model classes of transformers 5.24.0; Phi-3-small's of its own repository.

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Gate, Heads, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["gptj"],
        nested_defaults: &[],
        build: |fields| gptj(fields, "gptj", false),
    },
    Family {
        model_types: &["codegen"],
        nested_defaults: &[],
        build: |fields| gptj(fields, "codegen", true),
    },
    Family {
        model_types: &["gpt_neo"],
        nested_defaults: &[],
        build: gpt_neo,
    },
    Family {
        model_types: &["opt"],
        nested_defaults: &[],
        build: |fields| opt(fields, "opt", true),
    },
    Family {
        model_types: &["biogpt"],
        nested_defaults: &[],
        build: |fields| opt(fields, "biogpt", true),
    },
    Family {
        model_types: &["xglm"],
        nested_defaults: &[],
        build: |fields| opt(fields, "xglm", false),
    },
    Family {
        model_types: &["persimmon", "fuyu"],
        nested_defaults: &[],
        build: persimmon,
    },
    Family {
        model_types: &["phi3small"],
        nested_defaults: &[],
        build: phi3small,
    },
];

/// Places before the first of the learned positions.
const FIRST_POSITIONS: u64 = 2;

/// Attention and network side by side under one norm.
fn gptj(fields: &Fields<'_>, architecture: &str, fused: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = Heads {
        fused,
        ..Heads::read(fields)?
    };
    let usual = draft.embedding().saturating_mul(4);
    let network = Dense::plain(fields.width_or("n_inner", usual)?, true);
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::layer("attn_norm"), &heads, &network]);
    }
    draft.output_with_biases();
    Ok(draft)
}

/// Every second layer looks at a window.
fn gpt_neo(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gpt_neo")?;
    let embedding = draft.embedding();
    let query_heads = fields.count_of(&["num_heads", "num_attention_heads"])?;
    let heads = Heads {
        output_bias: true,
        ..Heads::with_dim(query_heads, (embedding / query_heads).max(1))
    };
    let usual = embedding.saturating_mul(4);
    let network = Dense::plain(fields.width_or("intermediate_size", usual)?, true);
    let layers = fields.layers()?;
    let kinds = fields.texts("attention_layers", layers)?;
    let window = fields.width_or("window_size", 256)?;
    for index in 0..layers {
        let slides = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"local"),
            None => index % 2 == 1,
        };
        let span = match slides {
            true => Span::Sliding { window },
            false => Span::Full,
        };
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads.with_span(span),
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    let positions = fields.width("max_position_embeddings")?;
    draft.tensor("position_embd.weight", &[embedding, positions]);
    draft.output_with_layer_norm(fields.tied(true)?);
    Ok(draft)
}

fn opt(fields: &Fields<'_>, architecture: &str, learned: bool) -> Result<Draft, ConfigError> {
    let embedding = fields.width_of(&["hidden_size", "d_model"])?;
    let width = fields.width_or("word_embed_proj_dim", embedding)?;
    let vocabulary = fields.width("vocab_size")?;
    let mut draft = Draft::with_embedding(fields, architecture, vocabulary, [width, vocabulary])?;
    let query_heads = fields.count_of(&["num_attention_heads", "attention_heads"])?;
    let bias = fields.flag_or("enable_bias", true)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::with_dim(query_heads, (embedding / query_heads).max(1))
    };
    let length = fields.width_of(&["ffn_dim", "intermediate_size"])?;
    let network = Dense::plain(length, bias);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    if learned {
        let positions = fields.width("max_position_embeddings")?;
        let rows = positions.saturating_add(FIRST_POSITIONS);
        draft.tensor("position_embd.weight", &[embedding, rows]);
    }
    if width != embedding {
        draft.tensor("project_in.weight", &[width, embedding]);
        draft.tensor("project_out.weight", &[embedding, width]);
    }
    let tied = fields.tied(true)?;
    // OPT-350M has its norms behind and none at the end.
    let ends_with_norm = fields.flag_or("do_layer_norm_before", true)?
        && !fields.flag_or("_remove_final_layer_norm", false)?;
    match ends_with_norm {
        true => draft.output_with_layer_norm(tied),
        false => draft.output_matrix(tied),
    }
    Ok(draft)
}

fn persimmon(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "persimmon")?;
    let attention = NormedHeads {
        heads: Heads {
            fused: true,
            input_bias: true,
            output_bias: true,
            ..Heads::read(fields)?
        },
        normed: fields.flag_or("qk_layernorm", true)?,
    };
    let network = Dense::plain(fields.width("intermediate_size")?, true);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &attention,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    draft.output_with_layer_norm(fields.tied(false)?);
    Ok(draft)
}

/// Heads with layer norms over queries and keys.
struct NormedHeads {
    heads: Heads,
    normed: bool,
}

impl Part for NormedHeads {
    fn write(&self, block: &mut Block<'_>) {
        self.heads.write(block);
        if self.normed {
            for part in ["attn_q_norm", "attn_k_norm"] {
                block.tensor(&alloc::format!("{part}.weight"), &[self.heads.key_dim]);
                block.tensor(&alloc::format!("{part}.bias"), &[self.heads.key_dim]);
            }
        }
    }
}

/// Attends to blocks of tokens in every second layer, and caches all of them.
fn phi3small(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "phi3small")?;
    let heads = Heads {
        fused: true,
        input_bias: true,
        output_bias: true,
        ..Heads::read(fields)?
    };
    let network = Dense {
        gate: Gate::Fused,
        ..Dense::plain(fields.width("ff_intermediate_size")?, true)
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    draft.output_with_layer_norm(fields.tied(true)?);
    Ok(draft)
}
