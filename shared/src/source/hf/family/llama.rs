//! Llama, and what is built like it.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part};
use crate::source::hf::{ConfigError, Fields, rope, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &[
            "llama",
            "llava",
            "llava_next",
            "voxtral",
            "internlm3",
            "iquestcoder",
        ],
        nested_defaults: &[
            ("vocab_size", 32_000),
            ("hidden_size", 4_096),
            ("intermediate_size", 11_008),
            ("num_hidden_layers", 32),
            ("num_attention_heads", 32),
            ("max_position_embeddings", 2_048),
        ],
        build: |fields| build(fields, "llama", false),
    },
    Family {
        model_types: &["mistral", "mistral3", "mixtral"],
        nested_defaults: MISTRAL_DEFAULTS,
        build: |fields| build(fields, "llama", false),
    },
    Family {
        model_types: &["ministral3"],
        nested_defaults: MISTRAL_DEFAULTS,
        build: |fields| build(fields, "mistral3", false),
    },
    Family {
        model_types: &["smollm3"],
        nested_defaults: &[],
        build: |fields| build(fields, "smollm3", true),
    },
    Family {
        model_types: &["minicpm"],
        nested_defaults: &[],
        build: |fields| build(fields, "minicpm", true),
    },
    Family {
        model_types: &["internlm2"],
        nested_defaults: &[],
        build: |fields| build(fields, "internlm2", false),
    },
];

const MISTRAL_DEFAULTS: &[(&str, u64)] = &[
    ("vocab_size", 32_000),
    ("hidden_size", 4_096),
    ("intermediate_size", 14_336),
    ("num_hidden_layers", 32),
    ("num_attention_heads", 32),
    ("num_key_value_heads", 8),
    ("max_position_embeddings", 131_072),
];

fn build(fields: &Fields<'_>, architecture: &str, tied: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("attention_bias", false)? || fields.flag_or("qkv_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: fields.flag_or("attention_bias", false)?,
        ..Heads::read(fields)?
    };
    let length = fields.width("intermediate_size")?;
    let dense = Dense {
        bias: fields.flag_or("mlp_bias", false)?,
        ..Dense::gated(length)
    };
    let experts = fields.count_or("num_local_experts", 0)?;
    let mixture = Mixture::new(experts, fields.count_or("num_experts_per_tok", 0)?, length);
    let network: &dyn Part = if experts > 0 { &mixture } else { &dense };
    // Mistral 7B v0.1 has a window in every layer; Qwen-style files say when it is not used.
    let slides = fields.flag_or("use_sliding_window", true)?;
    let sliding_window = fields.optional_width("sliding_window")?.filter(|_| slides);
    let layers = fields.layers()?;
    let spans = match window::listed(fields, layers, sliding_window)? {
        Some(spans) => spans,
        None => window::same_everywhere(layers, sliding_window),
    };
    for span in spans {
        let heads = heads.with_span(span);
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(tied)?);
    Ok(draft)
}
