//! Decoders of 2025 and 2026 with norms over each head and, as the case may be, output gates,
//! sinks, windows, and dense layers before those with experts. What tells them apart is data.

use alloc::vec::Vec;

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{
    Dense, Heads, Mixture, Norm, Part, Prediction, QueryKeyNorm, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields, rope, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["mellum"],
        nested_defaults: &[],
        build: |fields| build(fields, &Recipe::new("mellum")),
    },
    Family {
        model_types: &["dots1"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                ..Recipe::new("dots1")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["hy_v3"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                predicts: true,
                ..Recipe::new("hy_v3")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["exaone_moe"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                predicts: true,
                ..Recipe::new("exaone-moe")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["laguna"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                gate: Some(OutputGate::PerHead),
                ..Recipe::new("laguna")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["step3p5", "step3p7"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                gate: Some(OutputGate::PerHead),
                ..Recipe::new("step35")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["afmoe"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                selection_bias: true,
                gate: Some(OutputGate::PerElement),
                post_norms: true,
                ..Recipe::new("afmoe")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["muse_glimmer_text", "muse_glimmer"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                gate: Some(OutputGate::PerElement),
                post_norms: true,
                ..Recipe::new("muse-glimmer")
            };
            build(fields, &recipe)
        },
    },
    Family {
        model_types: &["granite_swa"],
        nested_defaults: &[],
        build: |fields| {
            let recipe = Recipe {
                norm: QueryKeyNorm::None,
                sinks: true,
                ..Recipe::new("granite_swa")
            };
            build(fields, &recipe)
        },
    },
];

/// What tells these families apart.
struct Recipe {
    architecture: &'static str,
    norm: QueryKeyNorm,
    /// Norms after attention and network as well.
    post_norms: bool,
    gate: Option<OutputGate>,
    sinks: bool,
    /// A bias that only the choice of experts uses.
    selection_bias: bool,
    /// The converter writes the layers that predict further tokens.
    predicts: bool,
}

impl Recipe {
    const fn new(architecture: &'static str) -> Self {
        Self {
            architecture,
            norm: QueryKeyNorm::PerHead,
            post_norms: false,
            gate: None,
            sinks: false,
            selection_bias: false,
            predicts: false,
        }
    }
}

/// A matrix of its own that gates the output of attention.
#[derive(Clone, Copy)]
enum OutputGate {
    PerHead,
    PerElement,
}

struct Gated {
    heads: Heads,
    gate: Option<OutputGate>,
}

impl Part for Gated {
    fn write(&self, block: &mut Block<'_>) {
        self.heads.write(block);
        let heads = self.heads.query_heads;
        let width = match self.gate {
            None => return,
            Some(OutputGate::PerHead) => heads,
            Some(OutputGate::PerElement) => heads.saturating_mul(self.heads.value_dim),
        };
        block.linear("attn_gate", block.embedding(), width, false);
    }
}

fn build(fields: &Fields<'_>, recipe: &Recipe) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, recipe.architecture)?;
    let layers = fields.layers()?;
    let heads = Heads {
        norm: recipe.norm,
        sinks: recipe.sinks,
        ..Heads::read(fields)?
    };
    let gate = match fields.text("gating") {
        Some("per-element" | "per_element") => Some(OutputGate::PerElement),
        _ => recipe.gate,
    };
    let query_heads = match fields.value("num_attention_heads_per_layer") {
        Some(_) => fields.width_per_layer("num_attention_heads_per_layer", layers)?,
        None => alloc::vec![heads.query_heads; layers],
    };
    let mixture = mixture(fields, recipe.selection_bias)?;
    let sparse = sparse_layers(fields, layers)?;
    let dense = match mixture.is_some() && sparse.iter().all(|&sparse| sparse) {
        true => None,
        false => Some(Dense::gated(fields.width("intermediate_size")?)),
    };
    let spans = spans(fields, layers)?;
    let (attention_norm, network_norm) = (Norm::rms("attn_norm"), Norm::rms("ffn_norm"));
    let after_attention = Norm::rms("post_attention_norm");
    let after_network = Norm::rms("post_ffw_norm");
    let after_attention = recipe.post_norms.then_some(&after_attention);
    let after_network = recipe.post_norms.then_some(&after_network);
    let per_layer = spans.into_iter().zip(query_heads).zip(sparse);
    for ((span, query_heads), sparse) in per_layer {
        let attention = Gated {
            heads: Heads {
                query_heads,
                span,
                ..heads
            },
            gate,
        };
        let mixture = mixture.as_ref().filter(|_| sparse);
        let dense = dense.as_ref().filter(|_| mixture.is_none());
        draft.block(&[
            &attention_norm,
            &attention,
            &after_attention,
            &network_norm,
            &mixture,
            &dense,
            &after_network,
        ]);
    }
    let predictions = match recipe.predicts {
        true => fields.prediction_layers("num_nextn_predict_layers")?,
        false => 0,
    };
    for _ in 0..predictions {
        draft.prediction_block(&[
            &attention_norm,
            &heads,
            &network_norm,
            &mixture.as_ref(),
            &Prediction::default(),
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// The experts, where there are any.
fn mixture(fields: &Fields<'_>, selection_bias: bool) -> Result<Option<Mixture>, ConfigError> {
    let mut count = 0;
    for field in ["num_experts", "n_routed_experts", "num_local_experts"] {
        count = count.max(fields.count_or(field, 0)?);
    }
    if count == 0 {
        return Ok(None);
    }
    let length = fields.width("moe_intermediate_size")?;
    let experts = fields
        .count_or("num_shared_experts", 0)?
        .max(fields.count_or("n_shared_experts", 0)?);
    let mut shared = experts.saturating_mul(length);
    for field in ["shared_expert_intermediate_size", "share_expert_dim"] {
        shared = fields.width_or(field, shared)?;
    }
    Ok(Some(Mixture {
        selection_bias,
        shared: SharedExperts::of(shared),
        ..Mixture::new(count, fields.count("num_experts_per_tok")?, length)
    }))
}

/// Which layers have experts: by name, by a list of 0 and 1, or all after the first.
fn sparse_layers(fields: &Fields<'_>, layers: usize) -> Result<Vec<bool>, ConfigError> {
    if let Some(kinds) = fields.texts("mlp_layer_types", layers)? {
        return Ok(kinds.iter().map(|&kind| kind == "sparse").collect());
    }
    if fields
        .value("moe_layer_freq")
        .is_some_and(serde_json::Value::is_array)
    {
        let flags = fields
            .integers("moe_layer_freq", layers)?
            .unwrap_or_default();
        return Ok(flags.into_iter().map(|flag| flag > 0).collect());
    }
    let dense = fields
        .count_or("first_k_dense_replace", 0)?
        .max(fields.count_or("num_dense_layers", 0)?);
    Ok((0..layers as u64).map(|index| index >= dense).collect())
}

/// The windows by name; without names every layer attends in full.
fn spans(fields: &Fields<'_>, layers: usize) -> Result<Vec<Span>, ConfigError> {
    let sliding_window = fields.optional_width("sliding_window")?;
    let listed = window::listed(fields, layers, sliding_window)?;
    Ok(listed.unwrap_or_else(|| alloc::vec![Span::Full; layers]))
}
