//! Decoders with a part that no other has: BitNet's norms within, Grok's network beside its
//! experts, LongCat's doubled layers, HRM's repeated stacks, Griffin's recurrence, JetMoE's
//! experts of attention, Muse Spark's narrower experts, Inkling's convolutions.
//!
//! Source: the model classes of transformers 5.24.0; Grok's and BitNet's names are those of
//! llama.cpp's converter.

use alloc::format;

use super::{Family, recipe};
use crate::model::{Attention, RecurrentState, Span};
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{
    Dense, Heads, Latent, Mixture, Norm, Part, QueryKeyNorm, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    family(&["bitnet"], bitnet),
    family(&["grok-1", "grok"], grok),
    family(&["longcat_flash"], longcat),
    family(&["hrm_text"], hrm),
    family(&["recurrent_gemma"], griffin),
    family(&["jetmoe"], jetmoe),
    family(&["muse_spark_text", "muse_spark"], muse_spark),
    family(&["inkling_text", "inkling_mm_model"], inkling),
];

const fn family(
    model_types: &'static [&'static str],
    build: fn(&Fields<'_>) -> Result<Draft, ConfigError>,
) -> Family {
    Family {
        model_types,
        nested_defaults: &[],
        build,
    }
}

/// Vectors of a block by name and width.
struct Vectors<'a>(&'a [(&'a str, u64)]);

impl Part for Vectors<'_> {
    fn write(&self, block: &mut Block<'_>) {
        for (name, width) in self.0 {
            block.tensor(name, &[*width]);
        }
    }
}

/// Matrices of a block by name, input and output.
struct Matrices<'a>(&'a [(&'a str, u64, u64)]);

impl Part for Matrices<'_> {
    fn write(&self, block: &mut Block<'_>) {
        for (name, input, output) in self.0 {
            block.linear(name, *input, *output, false);
        }
    }
}

/// Norms before the last matrices of attention and network.
fn bitnet(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "bitnet")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let length = fields.width("intermediate_size")?;
    let embedding = draft.embedding();
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &Dense::gated(length),
            &Vectors(&[
                ("attn_sub_norm.weight", embedding),
                ("ffn_sub_norm.weight", length),
            ]),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn grok(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "grok")?;
    let heads = Heads::read(fields)?;
    let length = fields.width("intermediate_size")?;
    let mixture = Mixture::new(
        fields.count_of(&["num_local_experts", "num_experts"])?,
        fields.count_of(&["num_experts_per_tok", "num_selected_experts"])?,
        fields.width_or("moe_intermediate_size", length)?,
    );
    let beside = Dense::gated(length);
    let beside = fields.flag_or("residual_moe", false)?.then_some(&beside);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("attn_output_norm"),
            &Norm::rms("ffn_norm"),
            &mixture,
            &beside,
            &Norm::rms("layer_output_norm"),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Each layer attends twice, with a network after either and the experts beside the first. Some of
/// the experts do nothing.
fn longcat(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "longcat_flash")?;
    let latent = Latent::read(fields)?;
    let dense = Dense::gated(fields.width_of(&["ffn_hidden_size", "intermediate_size"])?);
    let count = fields.count("n_routed_experts")?;
    let idle = fields.count_or("zero_expert_num", 0)?;
    let experts = Experts {
        mixture: Mixture {
            selection_bias: true,
            ..Mixture::new(
                count,
                fields.count_of(&["moe_topk", "num_experts_per_tok"])?,
                fields.width_of(&["expert_ffn_hidden_size", "moe_intermediate_size"])?,
            )
        },
        idle,
    };
    let norms = [Norm::rms("attn_norm"), Norm::rms("ffn_norm")];
    for _ in 0..fields.layers()? {
        draft.block(&[&norms[0], &latent, &norms[1], &dense, &experts]);
        draft.block(&[&norms[0], &latent, &norms[1], &dense]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

struct Experts {
    mixture: Mixture,
    idle: u64,
}

impl Part for Experts {
    fn write(&self, block: &mut Block<'_>) {
        self.mixture.write(block);
        if self.idle > 0 {
            block.linear("ffn_gate_inp_zero", block.embedding(), self.idle, false);
        }
    }
}

/// Two stacks of layers, gone through again and again: each time with a cache of its own.
fn hrm(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "hrm_text")?;
    let embedding = draft.embedding();
    let attention = recipe::Gated {
        heads: Heads::read(fields)?,
        gate: Some(recipe::OutputGate::PerElement),
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let stack = fields.count_or("num_layers_per_stack", 0)?;
    let passes = fields
        .count_or("H_cycles", 2)?
        .saturating_mul(fields.count_or("L_cycles", 3)?.saturating_add(1));
    let layers = match (stack, fields.layers()) {
        (0, Ok(layers)) => layers as u64,
        (0, Err(error)) => return Err(error),
        (stack, _) => stack.saturating_mul(passes),
    };
    let own = stack.saturating_mul(2);
    for index in 0..layers.min(2_000) {
        if index < own {
            draft.block(&[&attention, &network]);
        } else {
            draft.block(&[&Remembers(attention.heads.cached())]);
        }
    }
    draft.tensor("hrm.z_l_init", &[embedding]);
    draft.output_matrix(fields.tied(false)?);
    Ok(draft)
}

/// Caches, with the weights of another block.
struct Remembers(Attention);

impl Part for Remembers {
    fn write(&self, block: &mut Block<'_>) {
        block.layer.attention = self.0;
    }
}

/// A gated linear recurrence in two layers of three, attention to a window in the third.
fn griffin(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "recurrent_gemma")?;
    let heads = Heads {
        output_bias: true,
        span: Span::Sliding {
            window: fields.width_or("attention_window_size", 2_048)?,
        },
        ..Heads::read(fields)?
    };
    let width = fields.width_or("lru_width", draft.embedding())?;
    let recurrence = Recurrence {
        width,
        heads: heads.query_heads,
        conv_kernel: fields.width_or("conv1d_width", 4)?,
    };
    let network = Dense {
        bias: true,
        ..Dense::gated((fields.width("intermediate_size")? / 2).max(1))
    };
    let cycle = match fields.value("block_types") {
        Some(_) => fields.all_texts("block_types")?,
        None => alloc::vec!["recurrent", "recurrent", "attention"],
    };
    for kind in cycle.iter().cycle().take(fields.layers()?) {
        let mixer: &dyn Part = match *kind {
            "attention" => &heads,
            _ => &recurrence,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

struct Recurrence {
    width: u64,
    heads: u64,
    conv_kernel: u64,
}

impl Part for Recurrence {
    fn write(&self, block: &mut Block<'_>) {
        let (embedding, width) = (block.embedding(), self.width);
        block.linear("ssm_in_gate", embedding, width, true);
        block.linear("ssm_in", embedding, width, true);
        block.linear("ssm_conv1d", self.conv_kernel, width, true);
        let head = width.checked_div(self.heads).unwrap_or(width).max(1);
        for gate in ["input", "recurrent"] {
            block.tensor(
                &format!("ssm_{gate}_gate.weight"),
                &[head, head, self.heads],
            );
            block.tensor(&format!("ssm_{gate}_gate.bias"), &[head, self.heads]);
        }
        block.tensor("ssm_a", &[width]);
        block.linear("ssm_out", width, embedding, true);
        block.layer.recurrent = Some(RecurrentState::Mamba {
            inner: width,
            state: 1,
            conv_kernel: self.conv_kernel,
        });
    }
}

/// Experts also make the queries and the output of attention.
fn jetmoe(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "jetmoe")?;
    let embedding = draft.embedding();
    let count = fields.count("num_local_experts")?;
    let used = fields.count("num_experts_per_tok")?;
    let head_dim = fields.width_of(&["kv_channels", "head_dim"])?;
    let kv_heads = fields.count("num_key_value_heads")?;
    let keys = kv_heads.saturating_mul(head_dim);
    let cached = Heads {
        kv_heads,
        ..Heads::with_dim(kv_heads.saturating_mul(used), head_dim)
    };
    let mixture = Mixture::new(count, used, fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &Matrices(&[
                ("attn_kv", embedding, keys.saturating_mul(2)),
                ("attn_gate_inp", embedding, count),
                ("attn_q_exps", embedding, keys.saturating_mul(count)),
                ("attn_output_exps", keys, embedding.saturating_mul(count)),
            ]),
            &Remembers(cached.cached()),
            &Norm::rms("ffn_norm"),
            &mixture,
            &Vectors(&[
                ("attn_output.bias", embedding),
                ("ffn_down.bias", embedding),
            ]),
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

/// Experts in a narrower stream, and gates over what goes past a part.
fn muse_spark(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "muse_spark")?;
    let embedding = draft.embedding();
    let layers = fields.layers()?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let narrow = fields.width_or("moe_hidden_size", embedding)?;
    let mixture = recipe::mixture(fields, true)?.map(|mixture| Mixture {
        latent: Some(narrow),
        ..mixture
    });
    let sparse = recipe::sparse_layers(fields, layers)?;
    let dense = match sparse.contains(&false) {
        true => Some(Dense::gated(fields.width("intermediate_size")?)),
        false => None,
    };
    let sliding_window = fields.optional_width("sliding_window")?;
    let spans = window::listed_or_every(fields, layers, sliding_window, 4)?;
    for (span, sparse) in spans.into_iter().zip(sparse) {
        let attention = recipe::Gated {
            heads: heads.with_span(span),
            gate: Some(recipe::OutputGate::PerElement),
        };
        let mixture = mixture.as_ref().filter(|_| sparse);
        let narrow_norms = Vectors(&[
            ("ffn_latent_norm.weight", narrow),
            ("ffn_latent_post_norm.weight", narrow),
        ]);
        draft.block(&[
            &Norm::rms("attn_norm"),
            &attention,
            &Norm::rms("ffn_norm"),
            &mixture,
            &mixture.map(|_| &narrow_norms),
            &dense.as_ref().filter(|_| mixture.is_none()),
            &Norm::rms("post_ffw_norm"),
            &Vectors(&[
                ("post_attention_gate", embedding),
                ("post_ffw_gate", embedding),
            ]),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Short convolutions after keys, values, attention and experts; positions as learned logits of
/// distances.
fn inkling(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "inkling")?;
    let embedding = draft.embedding();
    let layers = fields.layers()?;
    let full = Heads {
        norm: QueryKeyNorm::PerHead,
        ..Heads::read(fields)?
    };
    let dim = fields.width_or("swa_head_dim", full.key_dim)?;
    let window = fields.width_of(&["sliding_window_size", "sliding_window"])?;
    let sliding = Heads {
        query_heads: fields.count_or("swa_num_attention_heads", full.query_heads)?,
        kv_heads: fields.count_or("swa_num_key_value_heads", full.kv_heads)?,
        key_dim: dim,
        value_dim: dim,
        span: Span::Sliding { window },
        ..full
    };
    let relative = fields.width_or("d_rel", 16)?;
    let extent = fields.width_or("rel_extent", 1_024)?;
    let kernel = fields.width_or("conv_kernel_size", 4)?;
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("n_shared_experts", 0)?;
    let mixture = Mixture {
        selection_bias: true,
        shared: SharedExperts::of(length.saturating_mul(shared)),
        ..Mixture::new(
            fields.count("n_routed_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let sparse = recipe::sparse_layers(fields, layers)?;
    let dense = match sparse.contains(&false) {
        true => Some(Dense::gated(fields.width("intermediate_size")?)),
        false => None,
    };
    let missing = ConfigError::MissingField {
        field: "layer_types",
    };
    let kinds = fields.texts("layer_types", layers)?.ok_or(missing)?;
    for (kind, sparse) in kinds.into_iter().zip(sparse) {
        let slides = kind == "hybrid_sliding";
        let heads = if slides { &sliding } else { &full };
        let keys = heads.kv_heads.saturating_mul(heads.key_dim);
        let reach = if slides { window.min(extent) } else { extent };
        let distances = heads.query_heads.saturating_mul(relative);
        let mixture = Some(&mixture).filter(|_| sparse);
        let routing = Matrices(&[("ffn_gate_inp_shexp", embedding, shared.max(1))]);
        let scale = Vectors(&[("ffn_gate_inp.scale", 1)]);
        let ranks_shared = mixture.is_some() && shared > 0;
        draft.block(&[
            &Norm::rms("attn_norm"),
            heads,
            &Matrices(&[
                ("attn_rel", embedding, distances),
                ("attn_rel_logits", reach, relative),
                ("attn_k_conv", kernel, keys),
                ("attn_v_conv", kernel, keys),
                ("attn_conv", kernel, embedding),
                ("ffn_conv", kernel, embedding),
            ]),
            &Norm::rms("ffn_norm"),
            &mixture,
            &Some(&routing).filter(|_| ranks_shared),
            &mixture.map(|_| &scale),
            &dense.as_ref().filter(|_| mixture.is_none()),
        ]);
    }
    draft.tensor("token_embd_norm.weight", &[embedding]);
    draft.output(fields.tied(false)?);
    Ok(draft)
}
